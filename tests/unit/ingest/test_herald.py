"""Tests how a worker says how its sources are: bells, states, history."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import OperationalError

from dashboard.ingest import control, herald
from dashboard.protocol import doorbell
from dashboard.protocol.control import LIVE_CONTROL
from tests.unit.ingest.shop import Shop, shop, until

__all__ = ["shop"]


async def test_ticks_ring_the_group_of_their_source(shop: Shop) -> None:
    channel = await shop.layer.new_channel()
    await shop.layer.group_add(doorbell.group(0), channel)
    shop.wanted = [shop.source(7)]
    heard: list[Any] = []
    async with shop.open(), asyncio.timeout(5):
        while {"type": doorbell.TICKS, "sources": [7]} not in heard or {
            "type": doorbell.STATES,
            "sources": [],
        } not in heard:
            heard.append(await shop.layer.receive(channel))
    assert shop.head(7) > 0


async def test_a_layer_that_is_away_costs_no_tick(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*args: Any) -> None:
        raise OSError("away")

    monkeypatch.setattr(shop.layer, "group_send", away)
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: shop.head(1) > 20)
    assert all(task.cancelled() for task in shop.tasks), "a task had ended by itself"


async def test_a_state_that_does_not_change_is_confirmed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herald, "RECORD", 0.02)
    monkeypatch.setattr(herald, "VOUCH", 0.05)
    vouched: list[Any] = []
    monkeypatch.setattr(control, "vouch", lambda sources, name: vouched.append((sources, name)))
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: len(vouched) > 2)
    assert vouched[-1] == ([1], shop.worker.name)


async def test_states_reach_the_log_and_the_database(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herald, "RECORD", 0.02)
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: shop.log._states.get(1) and shop.log._states[1].state == "live")
        await until(lambda: any(1 in states for states in shop.recorded))
    assert shop.log._states[1].state == "stopped"
    assert shop.recorded[-1][1][0].state == "stopped"


async def test_what_happens_to_a_source_is_written_down_and_the_hubs_are_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []

    def write(events: list[Any]) -> set[int]:
        written.extend(events)
        return {event.source_id for event in events}

    monkeypatch.setattr(herald, "RECORD", 0.01)
    monkeypatch.setattr(herald.SourceEvent, "write", write)
    channel = await shop.layer.new_channel()
    await shop.layer.group_add(LIVE_CONTROL, channel)
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: [event.kind for event in written][:3] == ["taken", "starting", "live"])
        async with asyncio.timeout(5):
            assert await shop.layer.receive(channel) == {"type": "live.history", "sources": [1]}
        shop.wanted = []
        await shop.look()
        await until(lambda: written[-1].kind == "stopped")
    assert {event.worker for event in written} == {shop.worker.name}


async def test_a_database_that_is_away_costs_history_nothing_but_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    written: list[Any] = []
    away = True

    def write(events: list[Any]) -> set[int]:
        if away:
            raise OperationalError("the database is away")
        written.extend(events)
        return set()

    monkeypatch.setattr(herald, "RECORD", 0.01)
    monkeypatch.setattr(herald.SourceEvent, "write", write)
    shop.wanted = [shop.source(1)]
    async with shop.open():
        await until(lambda: "history of the sources cannot be written" in caplog.text)
        head = shop.head(1)
        await until(lambda: shop.head(1) > head + 5)
        away = False
        await until(lambda: [event.kind for event in written] == ["taken", "starting", "live"])
    assert caplog.text.count("history of the sources cannot be written") == 1
