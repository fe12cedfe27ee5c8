from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Permission

from dashboard.models import ApiToken, Dashboard, Viewer
from dashboard.models.rights import overseen_sources, visible_series, visible_sources
from tests.unit.models.cast import Cast, assemble


@pytest.fixture
def cast(db: None) -> Cast:
    return assemble()


def sight(viewer: Viewer) -> tuple[set[str], set[str], set[str]]:
    """What a viewer sees: slugs of dashboards, keys of series, slugs of sources."""
    return (
        {board.slug for board in Dashboard.objects.visible_to(viewer)},
        {series.key for series in visible_series(viewer)},
        {source.slug for source in visible_sources(viewer)},
    )


NOTHING: tuple[set[str], set[str], set[str]] = (set(), set(), set())
BOARD = ({"board"}, {"AAPL"}, {"market"})


def test_a_private_dashboard_is_seen_by_its_owner_and_by_those_with_the_right(cast: Cast) -> None:
    assert sight(Viewer.of_user(cast.ana)) == BOARD
    assert sight(Viewer.of_user(cast.ben)) == BOARD
    assert sight(Viewer.of_user(cast.cy)) == NOTHING
    assert sight(Viewer.of_user(AnonymousUser())) == NOTHING


def test_a_dashboard_for_the_signed_in_is_closed_to_others(cast: Cast) -> None:
    Dashboard.objects.update(visibility="signed-in")
    assert sight(Viewer.of_user(cast.cy)) == BOARD
    assert sight(Viewer()) == NOTHING


def test_a_public_dashboard_is_open_with_just_the_series_on_it(cast: Cast) -> None:
    Dashboard.objects.update(visibility="public")
    assert sight(Viewer()) == BOARD


def test_the_right_to_view_sources_shows_all_series_and_no_dashboard(cast: Cast) -> None:
    cast.cy.user_permissions.add(Permission.objects.get(codename="view_datasource"))
    assert sight(Viewer.of_user(cast.cy)) == (set(), {"AAPL", "MSFT", "GOLD"}, {"market", "vault"})


def test_a_disabled_user_is_nobody(cast: Cast) -> None:
    cast.ana.is_active = False
    assert sight(Viewer.of_user(cast.ana)) == NOTHING


def test_a_series_on_two_panels_is_seen_once(cast: Cast) -> None:
    cast.board.panels.create(kind="stat").series.add(cast.apple)
    assert visible_series(Viewer.of_user(cast.ana)).count() == 1
    assert visible_sources(Viewer.of_user(cast.ana)).count() == 1


def test_a_token_sees_by_its_scope_and_its_source(cast: Cast) -> None:
    assert sight(ApiToken(scope="read", source=cast.vault).viewer()) == (set(), {"GOLD"}, {"vault"})
    everything = ({"board"}, {"AAPL", "MSFT", "GOLD"}, {"market", "vault"})
    assert sight(ApiToken(scope="read").viewer()) == everything
    assert sight(ApiToken(scope="admin").viewer()) == everything
    assert sight(ApiToken(scope="ingest", source=cast.vault).viewer()) == NOTHING


def test_a_hidden_series_is_seen_by_nobody(cast: Cast) -> None:
    cast.apple.hidden = True
    cast.apple.save()
    cast.cy.user_permissions.add(Permission.objects.get(codename="view_datasource"))
    assert sight(Viewer.of_user(cast.ana)) == ({"board"}, set(), set())
    assert sight(Viewer.of_user(cast.cy))[1] == {"MSFT", "GOLD"}
    assert sight(Viewer(only_source=cast.market.pk))[1] == {"MSFT"}


def test_sources_are_looked_after_by_those_who_may_view_them_and_by_the_token_of_one(cast: Cast) -> None:
    def charge(viewer: Viewer) -> set[str] | None:
        rows = overseen_sources(viewer)
        return None if rows is None else {source.slug for source in rows}

    cast.cy.user_permissions.add(Permission.objects.get(codename="view_datasource"))
    assert charge(Viewer.of_user(cast.cy)) == {"market", "vault"}
    assert charge(Viewer(only_source=cast.vault.pk)) == {"vault"}
    assert charge(Viewer.of_user(cast.ana)) is None, "whose dashboard shows a series sees its ticks, not who runs it"
    assert charge(Viewer()) is None
