"""Tests that a project's own models become queries, and that a save is heard of after its commit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Count
from django.db.models.signals import post_delete, post_save
from django.utils.module_loading import autodiscover_modules

from dashboard import publish as module
from dashboard.feeds import queries
from dashboard.feeds.base import FeedBatch, FeedError
from dashboard.feeds.kinds.django import DjangoConfig, DjangoFeed
from dashboard.models import DataSource, Series
from dashboard.protocol.control import FEEDS_CHANGED
from dashboard.publish import publish

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Queries, and the receivers of signals, go away with the test."""
    monkeypatch.setattr(queries, "_queries", {})
    receivers = {signal: [*signal.receivers] for signal in (post_save, post_delete)}
    yield
    for signal, before in receivers.items():
        signal.receivers = before
        signal.sender_receivers_cache.clear()


async def says(name: str) -> FeedBatch:
    query = queries.find(name)
    assert query is not None
    return await query.ask()


async def dictionary(name: str) -> dict[str, Any]:
    batch = await says(name)
    return dict(zip(batch.keys, batch.values, strict=True))


async def test_the_aggregates_of_a_query_set_are_series() -> None:
    publish("users", User.objects.filter(is_active=True), values={"users": Count("pk")})
    assert await dictionary("users") == {"users": 0}
    await User.objects.acreate(username="ana")
    assert await dictionary("users") == {"users": 1}, "it is asked anew each time"


async def test_the_rows_of_a_query_set_are_ticks() -> None:
    source = await DataSource.objects.acreate(name="Shop", slug="shop", kind="host", cadence=2.5)
    await DataSource.objects.acreate(name="Host", slug="host", kind="host")
    publish("cadences", DataSource.objects.order_by("slug"), key="slug", value="cadence", time="created")
    batch = await says("cadences")
    assert (list(batch.keys), list(batch.values)) == (["host", "shop"], [1.0, 2.5])
    assert list(batch.times or [])[1] == round(source.created.timestamp() * 1000)


async def test_a_function_may_say_it_and_nulls_are_left_out() -> None:
    publish("stock", lambda: {"bolts": Decimal("2.5"), "nuts": None, "state": "open"})
    assert await dictionary("stock") == {"bolts": 2.5, "state": "open"}
    publish("stock", lambda: [("bolts", 3)])
    assert await dictionary("stock") == {"bolts": 3}


async def test_an_answer_of_any_length_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    publish("many", lambda: ((str(number), number) for number in range(10**9)))
    batch = await says("many")
    assert (list(batch.keys), batch.refused) == (["0", "1"], [("more than 2 rows", "")])


@pytest.mark.parametrize("options", [{}, {"key": "slug"}, {"key": "a", "value": "b", "values": {"c": Count("pk")}}])
def test_what_is_to_be_shown_must_be_said(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either values, or key and value"):
        publish("users", User.objects.all(), **options)


async def test_a_query_that_hangs_takes_one_thread_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    go = threading.Event()

    def answer() -> dict[str, float]:
        go.wait(30)
        return {"n": 1.0}

    publish("slow", answer)
    with pytest.raises(FeedError, match="longer than"):
        await says("slow")
    with pytest.raises(FeedError, match="still being answered"):
        await says("slow")
    go.set()
    async with asyncio.timeout(20):
        while True:
            try:
                assert await dictionary("slow") == {"n": 1.0}
                break
            except FeedError:
                await asyncio.sleep(0.01)


class Ear:
    """Hears what a worker would."""

    async def begin(self) -> None:
        self.layer = get_channel_layer()
        self.channel = await self.layer.new_channel()
        await self.layer.group_add(FEEDS_CHANGED, self.channel)

    async def hears(self) -> list[str]:
        heard: list[str] = []
        try:
            while True:
                async with asyncio.timeout(0.2):
                    heard.append((await self.layer.receive(self.channel))["query"])
        except TimeoutError:
            return heard


async def test_a_save_is_told_after_its_commit_and_never_without_one() -> None:
    publish("users", User.objects.all(), values={"users": Count("pk")}, watch=[Group])
    ear = Ear()
    await ear.begin()
    user = await User.objects.acreate(username="ana")
    assert await ear.hears() == ["users"]
    await user.adelete()
    assert "users" in await ear.hears()
    await Group.objects.acreate(name="staff")
    assert await ear.hears() == ["users"]

    def begin(commit: bool) -> None:
        with transaction.atomic():
            User.objects.create(username=f"ben {commit}")
            transaction.set_rollback(not commit)

    await sync_to_async(begin)(False)
    assert await ear.hears() == []
    await sync_to_async(begin)(True)
    assert await ear.hears() == ["users"]


async def test_a_bulk_update_is_seen_by_the_version() -> None:
    publish("users", User.objects.all(), values={"users": Count("pk")}, version="last_login")
    query = queries.find("users")
    assert query is not None
    assert query.version is not None
    before = await query.version()
    assert await query.version() == before
    await User.objects.abulk_create([User(username="ana")])
    assert await query.version() != before


async def test_what_is_published_becomes_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    publish("series", Series.objects.all(), values={"series": Count("pk")}, version="created")
    feed = DjangoFeed(DjangoConfig(query="series", interval=3600, check=0.1, pause=0.05))
    source = await DataSource.objects.acreate(name="Shop", slug="shop", kind="host")
    async with asyncio.timeout(30), aclosing(feed.run()) as batches:  # type: ignore[type-var]
        assert list((await anext(batches)).values) == [0]
        await Series.objects.abulk_create([Series(source=source, key="a")])
        while not (batch := await anext(batches)).keys:
            pass
        assert list(batch.values) == [1]


def test_a_module_of_an_installed_app_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "dashboard_feeds.py").write_text(
        "from dashboard.publish import publish\npublish('stock', lambda: {'bolts': 1})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "shop"]
    autodiscover_modules("dashboard_feeds")
    assert "stock" in queries.names()
