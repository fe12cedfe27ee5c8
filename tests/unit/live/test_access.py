"""Tests who a viewer is and what he may see, with ana who owns, ben who may view and cy who may not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session as SessionRow
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from dashboard.live import access
from dashboard.live.access import Credentials, Grant, identify
from dashboard.models import ApiToken, Dashboard, Panel, Series, Viewer
from dashboard.protocol.requests import Subscribe
from tests.unit.models.cast import Cast, assemble

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return assemble()


def signed_in(user: User) -> Credentials:
    """Signs in through Django, and brings the cookie that a browser would."""
    client = Client()
    client.force_login(user)
    return Credentials.of_headers([(b"cookie", f"theme=dark; sessionid={client.cookies['sessionid'].value}".encode())])


def bearer(text: str) -> Credentials:
    return Credentials.of_headers([(b"authorization", f"Bearer {text}".encode())])


def ask(credentials: Credentials, dashboard: str | None = None, series: tuple[int, ...] = ()) -> Grant | None:
    return access.grant(identify(credentials).viewer, Subscribe(1, dashboard, series, {}, 0, 600), {})


# --- who is there ---


def test_a_session_proves_who_is_there(cast: Cast) -> None:
    identity = identify(signed_in(cast.ana))
    assert identity.proven
    assert identity.viewer.user_id == cast.ana.pk


def test_who_brings_nothing_is_nobody(cast: Cast) -> None:
    for credentials in (Credentials(), Credentials("no such session"), Credentials(None, ""), bearer("tw_x_y")):
        identity = identify(credentials)
        assert (identity.viewer, identity.proven) == (Viewer(), False)


def test_a_session_that_has_expired_or_was_deleted_proves_nothing(cast: Cast) -> None:
    credentials = signed_in(cast.ana)
    SessionRow.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not identify(credentials).proven
    credentials = signed_in(cast.ana)
    SessionRow.objects.all().delete()
    assert not identify(credentials).proven
    assert not SessionRow.objects.exists(), "a look makes no session"


def test_a_changed_password_ends_the_session(cast: Cast) -> None:
    credentials = signed_in(cast.ana)
    cast.ana.set_password("something else entirely")
    cast.ana.save()
    assert not identify(credentials).proven


def test_a_disabled_or_deleted_user_is_nobody(cast: Cast) -> None:
    credentials = signed_in(cast.ana)
    User.objects.filter(pk=cast.ana.pk).update(is_active=False)
    assert identify(credentials).viewer == Viewer()
    assert ask(credentials, "board") is None
    User.objects.filter(pk=cast.ana.pk).delete()
    assert not identify(credentials).proven


def test_a_session_of_a_backend_that_is_gone_proves_nothing(cast: Cast, settings: object) -> None:
    credentials = signed_in(cast.ana)
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]  # type: ignore[attr-defined]
    assert not identify(credentials).proven


@pytest.mark.parametrize(
    "header",
    [
        'prefs={"a":1}; sessionid=KEY',
        "sessionid=KEY; prefs=a,b c; x",
        "bad[]=1; sessionid=KEY; =; ;;",
        "a=\xff\xfe; sessionid=KEY",
        "sessionid=old; sessionid=KEY",
    ],
)
def test_odd_cookies_of_others_do_not_hide_the_session(header: str) -> None:
    assert Credentials.of_headers([(b"cookie", header.encode("latin-1"))]).session_key == "KEY"


def test_cookies_in_several_headers_are_all_read() -> None:
    headers = [(b"cookie", b"a=1"), (b"host", b"x"), (b"cookie", b"sessionid=KEY"), (b"cookie", b"b=2")]
    assert Credentials.of_headers(headers).session_key == "KEY"
    assert Credentials.of_headers([(b"cookie", b"sessionidx=KEY; xsessionid=KEY")]).session_key is None


def test_what_stands_on_a_dashboard_is_read_once_for_all_who_may_open_it(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request, shown = Subscribe(1, "board", (), {}, 0, 600), dict[int, Grant]()
    ana, cy = (identify(signed_in(person)).viewer for person in (cast.ana, cast.cy))
    with django_assert_num_queries(2):
        first = access.grant(ana, request, shown)
    with django_assert_num_queries(1):
        assert access.grant(ana, request, shown) is first
    with django_assert_num_queries(1):
        assert access.grant(cy, request, shown) is None, "what is known of a dashboard opens it to nobody"


# --- tokens ---


def test_a_read_token_sees_everything_and_an_ingest_token_nothing(cast: Cast) -> None:
    _, text = ApiToken.issue("reader", "read")
    assert ask(bearer(text), "board")
    assert ask(bearer(text), series=(cast.secret.pk,))
    _, text = ApiToken.issue("writer", "ingest")
    assert ask(bearer(text), "board") is None
    assert ask(bearer(text), series=(cast.apple.pk,)) is None


def test_a_token_for_one_source_sees_that_source_and_no_dashboard(cast: Cast) -> None:
    _, text = ApiToken.issue("reader", "read", cast.market)
    assert ask(bearer(text), series=(cast.apple.pk, cast.microsoft.pk))
    assert ask(bearer(text), series=(cast.apple.pk, cast.secret.pk)) is None
    assert ask(bearer(text), "board") is None


def test_a_token_that_is_expired_revoked_deleted_or_forged_is_none(cast: Cast) -> None:
    expired, text = ApiToken.issue("reader", "read", lifetime=timedelta(hours=1))
    assert identify(bearer(text)).proven
    assert not identify(bearer(text + "x")).proven
    assert not identify(bearer(text[:-1])).proven
    assert not identify(bearer(f"tw_{expired.lookup}_")).proven
    assert not identify(bearer(f"tw_{expired.lookup}_{expired.digest}")).proven
    ApiToken.objects.update(expires=timezone.now())
    assert not identify(bearer(text)).proven
    revoked, text = ApiToken.issue("reader", "read")
    ApiToken.objects.filter(pk=revoked.pk).update(revoked=True)
    assert not identify(bearer(text)).proven
    deleted, text = ApiToken.issue("reader", "read")
    deleted.delete()
    assert not identify(bearer(text)).proven


def test_a_bad_token_is_not_made_good_by_a_session(cast: Cast) -> None:
    session = signed_in(cast.ana)
    assert not identify(Credentials(session.session_key, "tw_x_y")).proven


# --- what he may see ---


def test_the_owner_and_who_may_view_dashboards_see_a_private_one_and_nobody_else(cast: Cast) -> None:
    assert ask(signed_in(cast.ana), "board")
    assert ask(signed_in(cast.ben), "board")
    assert ask(signed_in(cast.root), "board")
    assert ask(signed_in(cast.cy), "board") is None
    assert ask(Credentials(), "board") is None


def test_visibility_opens_a_dashboard(cast: Cast) -> None:
    Dashboard.objects.update(visibility=Dashboard.Visibility.SIGNED_IN)
    assert ask(signed_in(cast.cy), "board")
    assert ask(Credentials(), "board") is None
    Dashboard.objects.update(visibility=Dashboard.Visibility.PUBLIC)
    assert ask(Credentials(), "board")


def test_a_grant_names_the_series_of_the_dashboard_and_no_others(cast: Cast) -> None:
    grant = ask(signed_in(cast.ana), "board")
    assert grant is not None
    assert [(row.id, row.source, row.key, row.label, row.unit, row.decimals) for row in grant.series] == [
        (cast.apple.pk, cast.market.pk, "AAPL", "Apple", "USD", 2)
    ]
    assert [(row.id, row.name, row.cadence, row.enabled) for row in grant.sources] == [
        (cast.market.pk, "Market", 0.5, True)
    ]
    interest = grant.interests(300, 600)
    assert [(one.source, one.series, one.window, one.points) for one in interest] == [
        (cast.market.pk, frozenset({cast.apple.pk}), 300, 600)
    ]


def test_a_series_on_two_panels_is_granted_once(cast: Cast) -> None:
    Panel.objects.create(dashboard=cast.board, kind=Panel.Kind.STAT).series.add(cast.apple, cast.secret)
    grant = ask(signed_in(cast.ana), "board")
    assert grant is not None
    assert [row.id for row in grant.series] == [cast.apple.pk, cast.secret.pk]
    assert {row.id for row in grant.sources} == {cast.market.pk, cast.vault.pk}


def test_an_empty_dashboard_is_granted_empty(cast: Cast) -> None:
    Dashboard.objects.create(title="Empty", slug="empty", owner=cast.ana)
    grant = ask(signed_in(cast.ana), "empty")
    assert grant == Grant((), ())
    assert grant is not None
    assert grant.interests(1, 1) == ()


def test_series_are_granted_all_or_none(cast: Cast) -> None:
    ana = signed_in(cast.ana)
    assert ask(ana, series=(cast.apple.pk,))
    for wanted in ((cast.microsoft.pk,), (cast.apple.pk, cast.microsoft.pk), (cast.apple.pk, 10**9), (0,), (-1,)):
        assert ask(ana, series=tuple(sorted(wanted))) is None


def test_who_may_view_sources_sees_every_series(cast: Cast) -> None:
    cast.cy.user_permissions.add(Permission.objects.get(codename="view_datasource"))
    everything = tuple(sorted(Series.objects.values_list("pk", flat=True)))
    assert ask(signed_in(cast.cy), series=everything)
    assert ask(signed_in(cast.cy), "board") is None


def test_what_does_not_exist_and_what_may_not_be_seen_get_the_same_answer(cast: Cast) -> None:
    cy = signed_in(cast.cy)
    answers = [ask(cy, "board"), ask(cy, "nowhere"), ask(cy, ""), ask(cy, "x" * 10_000), ask(cy, "'; --")]
    answers += [ask(cy, series=(cast.apple.pk,)), ask(cy, series=(2**53 - 1,))]
    assert answers == [None] * len(answers)


def test_a_hidden_series_is_in_no_grant(cast: Cast) -> None:
    cast.panel.series.add(cast.microsoft)
    cast.apple.hidden = True
    cast.apple.save()
    found = ask(signed_in(cast.ana), "board")
    assert found is not None
    assert [series.key for series in found.series] == ["MSFT"]
    assert ask(signed_in(cast.root), None, (cast.apple.pk,)) is None


def test_an_oversight_names_the_sources_that_there_are(cast: Cast) -> None:
    found = access.oversight(identify(signed_in(cast.root)).viewer, (cast.market.pk, 404))
    assert found is not None
    assert [(source.id, source.name, source.cadence, source.enabled) for source in found] == [
        (cast.market.pk, "Market", 0.5, True)
    ]
    assert access.as_they_are((cast.market.pk, 404)) == {found[0].id: found[0]}
    assert access.oversight(identify(signed_in(cast.ana)).viewer, (cast.market.pk,)) is None
