from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client

from dashboard import signals
from dashboard.models import ApiToken, Dashboard, DataSource, Panel, Series, SourceStatus
from dashboard.models.event import acting
from dashboard.models.secrets import seal
from tests.unit.models.cast import Cast, assemble

FEEDS = ("feeds", {"type": "feeds.look"})


def live(what: str, dashboard: str | None = None) -> tuple[str, dict[str, Any]]:
    return "live.control", {"type": "live.look", "what": what, "dashboard": dashboard}


class Heard(list[tuple[str, dict[str, Any]]]):
    """A channel layer that only remembers, or fails as Redis does when it is away."""

    away = False

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        if self.away:
            raise ConnectionError("Error 111 connecting to redis:6379")
        self.append((channel, message))

    group_send = send


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Messages are sent after commit, so the tests have to commit."""
    return assemble()


@pytest.fixture
def heard(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    heard = Heard()
    monkeypatch.setattr(signals, "get_channel_layer", lambda: heard)
    monkeypatch.setattr(signals, "_layer_is_away", False)
    yield heard
    signals._pending.feeds = False
    signals._pending.live.clear()
    signals._pending.history.clear()


def test_a_saved_source_makes_the_worker_and_the_open_pages_look(cast: Cast, heard: Heard) -> None:
    cast.market.save()
    assert FEEDS in heard
    assert live("layout") in heard


def test_a_deleted_source_makes_everybody_look(cast: Cast, heard: Heard) -> None:
    cast.market.delete()
    assert FEEDS in heard
    assert live("rights") in heard


def test_a_new_source_concerns_nobody_but_the_worker(cast: Cast, heard: Heard) -> None:
    DataSource.objects.create(name="New", slug="new", kind="host")
    source = DataSource.objects.get(slug="new")
    assert heard == [FEEDS, ("live.control", {"type": "live.history", "sources": [source.pk]})]


def test_a_renamed_series_reaches_the_worker_and_the_open_pages(cast: Cast, heard: Heard) -> None:
    cast.apple.decimals = 4
    cast.apple.save()
    assert FEEDS in heard
    assert live("layout") in heard


def test_a_hidden_series_changes_the_dashboards_that_it_is_on(cast: Cast, heard: Heard) -> None:
    before = cast.board.version
    cast.apple.hidden = True
    cast.apple.save()
    assert live("layout", "board") in heard
    assert Dashboard.objects.get(pk=cast.board.pk).version > before


def told(source: DataSource) -> list[tuple[str, str, str]]:
    return [(event.kind, event.cause, event.person) for event in source.events.order_by("pk")]


def test_a_change_of_a_source_is_told_in_its_history_with_its_author(cast: Cast, heard: Heard) -> None:
    source = DataSource.objects.create(name="New", slug="new", kind="host", config={"interval": 1, "unit": "x"})
    with acting("ana"):
        source.enabled = False
        source.save(update_fields=["enabled", "updated"])
        source.cadence, source.config = 2.5, {"interval": 5, "place": "cellar"}
        source.save()
        source.save()
        source.enabled, source.restarts = True, 1
        source.save()
    nobody = "a command or program"
    assert told(source) == [
        ("created", "", nobody),
        ("disabled", "", "ana"),
        ("changed", "cadence from 1 to 2.5; config: interval, place, unit", "ana"),
        ("enabled", "", "ana"),
        ("restarted", "", "ana"),
    ]
    assert ("live.control", {"type": "live.history", "sources": [source.pk]}) in heard


def test_of_secrets_the_history_tells_names_and_of_the_same_ones_nothing(cast: Cast, heard: Heard) -> None:
    cast.market.secrets = seal({"token": "hunter2"})
    cast.market.save()
    cast.market.secrets = seal({"token": "hunter2"})
    cast.market.save()
    assert told(cast.market)[1:] == [("changed", "secrets: token", "a command or program")]


def test_a_change_of_a_series_is_told_in_the_history_of_its_source(cast: Cast, heard: Heard) -> None:
    cast.apple.label, cast.apple.hidden = "Apples", True
    cast.apple.save()
    assert told(cast.market)[-1][1] == "series AAPL: label from Apple to Apples; hidden from no to yes"


def test_a_change_that_is_rolled_back_is_told_nowhere(cast: Cast, heard: Heard) -> None:
    heard.clear()
    with transaction.atomic():
        cast.market.enabled = False
        cast.market.save()
        transaction.set_rollback(True)
    assert [kind for kind, _, _ in told(cast.market)] == ["created"]
    assert heard == []


def test_what_the_worker_writes_of_a_source_makes_nobody_look(cast: Cast, heard: Heard) -> None:
    SourceStatus.objects.create(source=cast.market, state="live")
    assert heard == []


def test_a_changed_panel_names_its_dashboard_and_raises_its_version(cast: Cast, heard: Heard) -> None:
    before = cast.board.version
    cast.panel.save()
    assert live("layout", "board") in heard
    assert Dashboard.objects.get(pk=cast.board.pk).version > before


def test_a_series_put_on_or_taken_off_a_panel_changes_layout_and_rights(cast: Cast, heard: Heard) -> None:
    cast.panel.series.through.objects.create(panel=cast.panel, series=cast.microsoft)  # type: ignore[attr-defined]
    assert {live("layout", "board")[1]["what"], "rights"} == {message["what"] for _, message in heard}
    heard.clear()
    cast.microsoft.delete()
    assert live("layout", "board") in heard


def test_a_dashboard_made_private_makes_the_hubs_ask_for_rights_again(cast: Cast, heard: Heard) -> None:
    cast.board.visibility = "private"
    cast.board.save()
    assert heard == [live("layout", "board"), live("rights")]


def test_a_deleted_dashboard_makes_the_hubs_look(cast: Cast, heard: Heard) -> None:
    cast.board.delete()
    assert live("layout", "board") in heard
    assert live("rights") in heard


def test_rights_of_users_and_groups_make_the_hubs_look(cast: Cast, heard: Heard) -> None:
    right = Permission.objects.get(codename="view_datasource")
    group = Group.objects.create(name="watchers")
    changes = [
        lambda: cast.cy.groups.add(group),
        lambda: group.permissions.add(right),
        lambda: cast.cy.user_permissions.add(right),
        lambda: cast.cy.user_permissions.remove(right),
        lambda: group.delete(),
        lambda: User.objects.get(pk=cast.cy.pk).save(),
        lambda: User.objects.get(pk=cast.cy.pk).delete(),
    ]
    for number, change in enumerate(changes):
        heard.clear()
        change()
        assert heard == [live("rights")], number


def test_a_logout_makes_the_hubs_look_when_the_session_is_gone(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.force_login(cast.cy)
    sessions_at_message: list[int] = []
    monkeypatch.setattr(
        signals, "async_to_sync", lambda send: lambda *pending: sessions_at_message.append(Session.objects.count())
    )
    client.post("/accounts/logout/")
    assert sessions_at_message == [0]


def test_a_revoked_token_makes_the_hubs_look_and_a_new_one_does_not(cast: Cast, heard: Heard) -> None:
    token, text = ApiToken.issue("t", "read")
    ApiToken.check_text(text)
    assert heard == []
    token.revoked = True
    token.save()
    assert heard == [live("rights")]


def test_one_commit_makes_one_message_of_each_sort(cast: Cast, heard: Heard) -> None:
    with transaction.atomic():
        for number in range(30):
            Panel.objects.create(dashboard=cast.board, kind="stat", y=number)
            Series.objects.create(source=cast.market, key=f"key {number}")
        assert heard == []
    assert heard == [FEEDS, live("layout", "board"), live("rights")]


def test_a_rolled_back_change_says_nothing(cast: Cast, heard: Heard) -> None:
    with transaction.atomic():
        cast.market.save()
        transaction.set_rollback(True)
    assert heard == []


def test_a_change_after_a_rolled_back_one_in_the_same_thread_is_said(cast: Cast, heard: Heard) -> None:
    with transaction.atomic():
        cast.market.save()
        transaction.set_rollback(True)
    cast.market.save()
    assert FEEDS in heard


def test_a_layer_that_is_away_breaks_no_save_and_is_logged_once(
    cast: Cast, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="dashboard")
    heard.away = True
    for _ in range(3):
        cast.market.save()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    heard.away = False
    cast.market.save()
    cast.market.save()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert FEEDS in heard


def test_a_layer_that_hangs_holds_a_save_up_for_a_moment_only(
    cast: Cast, heard: Heard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang(*args: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(heard, "send", hang)
    monkeypatch.setattr(signals, "PATIENCE", 0.05)
    cast.market.save()
    assert "takes no messages" in caplog.text


async def test_a_save_in_a_request_thread_is_heard_on_the_event_loop_of_the_process(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = InMemoryChannelLayer()
    monkeypatch.setattr(signals, "get_channel_layer", lambda: layer)
    await layer.group_add("live.control", "hub")
    waiting = [asyncio.create_task(layer.receive(channel)) for channel in ("feeds", "hub")]
    await asyncio.sleep(0)
    await sync_to_async(cast.market.save)()
    heard = await asyncio.wait_for(asyncio.gather(*waiting), 2)
    assert heard == [FEEDS[1], live("layout")[1]]
