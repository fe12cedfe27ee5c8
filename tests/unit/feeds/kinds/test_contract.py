"""Tests that every kind bears what its counterpart may do, and that its neighbours do not notice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dashboard.feeds import registry
from tests.support.promise import promised
from tests.unit.feeds.cast import until
from tests.unit.feeds.kinds.contract import SECONDS, SECRET, Counterpart, Stage
from tests.unit.feeds.kinds.counterparts import COUNTERPARTS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "counterpart" in metafunc.fixturenames:
        kinds = [each for each in COUNTERPARTS if metafunc.function.__name__ not in each.exempt]
        metafunc.parametrize("counterpart", kinds, ids=[f"{it.kind} {it.mode}".strip() for it in kinds], indirect=True)


@pytest.fixture
def counterpart(request: pytest.FixtureRequest, tmp_path: Path) -> Counterpart:
    made: Counterpart = request.param(request, tmp_path)
    return made


@pytest.fixture
async def stage(
    counterpart: Counterpart, local_addresses: None, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Stage]:
    caplog.set_level(logging.DEBUG, "dashboard")
    await counterpart.start()
    made = Stage(counterpart)
    try:
        yield made
    finally:
        await made.supervising.stop()
        await counterpart.stop()
    said = caplog.text + repr(made.announced) + repr(made.supervising.specs)
    with promised():
        assert SECRET not in said


async def the_neighbour_ticks(stage: Stage) -> None:
    before = stage.neighbours_ticks
    await until(lambda: stage.neighbours_ticks >= before + 3, SECONDS)
    assert set(stage.states(2)) <= {"starting", "live", "late"}


def test_every_kind_is_here_and_what_cannot_apply_to_it_has_a_reason() -> None:
    assert {each.kind for each in COUNTERPARTS} == {*registry.kinds()}
    for each in COUNTERPARTS:
        for name, reason in each.exempt.items():
            assert callable(globals()[name]), name
            assert len(reason) > 20, name


async def test_it_starts_and_ticks(stage: Stage) -> None:
    await stage.run()
    await stage.see(1.5)
    await until(lambda: "live" in stage.states(), SECONDS)
    await stage.see(2.5)


async def test_it_stops_without_leaving_anything_behind(stage: Stage) -> None:
    before = asyncio.all_tasks()
    await stage.run()
    await stage.see(1.5)
    await stage.supervising.stop()
    assert stage.last().state == "stopped"
    names = [task.get_name() for task in asyncio.all_tasks() - before]
    assert [name for name in names if name.startswith(("feed", "source"))] == []
    ticks = len(stage.ticks(1))
    await stage.counterpart.give(9.5)
    await asyncio.sleep(0.5)
    assert len(stage.ticks(1)) == ticks


async def test_it_goes_on_after_its_counterpart_was_restarted(stage: Stage) -> None:
    await stage.run()
    await stage.see(1.5)
    await stage.counterpart.stop()
    if stage.counterpart.notices_absence:
        await until(lambda: stage.last().state == "down", SECONDS)
        assert "next try in" in stage.last().msg
    await the_neighbour_ticks(stage)
    await stage.counterpart.start()
    await stage.see(2.5)
    await until(lambda: stage.last().state in ("live", "degraded"), SECONDS)


async def test_it_waits_for_a_counterpart_that_is_not_there_yet(stage: Stage) -> None:
    config = stage.counterpart.config()
    await stage.counterpart.stop()
    await stage.run(config)
    await until(lambda: stage.said("next try in"), SECONDS)
    await the_neighbour_ticks(stage)
    await stage.counterpart.start()
    await stage.see(1.5)


async def test_garbage_is_said_and_what_comes_after_it_is_taken(stage: Stage) -> None:
    await stage.run()
    await stage.see(1.5)
    for garbage in ("<html>", "{", "", '{"a": "none of your business"}', "\x00\x01", "[" * 2000, "x" * 100_000):
        await stage.counterpart.babble(garbage)
        await asyncio.sleep(0.05)
    if stage.counterpart.tells_garbage:
        await until(lambda: stage.last().state in ("degraded", "down", "late"), SECONDS)
        assert stage.said("refused") or stage.said("next try in")
    await the_neighbour_ticks(stage)
    await stage.see(2.5)
    assert set(stage.got()) == {1.5, 2.5}


async def test_silence_is_told(stage: Stage) -> None:
    await stage.run(cadence=0.3)
    await stage.see(1.5)
    await stage.counterpart.fall_silent()
    await until(lambda: stage.last().state == "late", SECONDS)
    assert stage.last().msg.startswith("no tick for ")
    await the_neighbour_ticks(stage)
    await stage.see(2.5)
    await until(lambda: stage.last().state == "live", SECONDS)


async def test_a_flood_arrives_in_order_and_drowns_nobody(stage: Stage) -> None:
    await stage.run()
    await stage.see(1.5)
    values = [100.0 + number for number in range(stage.counterpart.flood)]
    await stage.counterpart.pour(values)
    await until(lambda: values[-1] in stage.got(), SECONDS)
    await the_neighbour_ticks(stage)
    if stage.counterpart.every_value_counts:
        assert [value for value in stage.got() if value >= 100] == values


async def test_a_changed_config_replaces_the_feed(stage: Stage) -> None:
    await stage.run()
    await stage.see(1.5)
    for _ in range(5):
        await stage.run(stage.counterpart.changed())
        await stage.run()
    await stage.see(2.5)
    feeds = [task for task in asyncio.all_tasks() if task.get_name() == "feed source-1"]
    assert len(feeds) == 1


async def test_a_secret_that_comes_back_is_not_shown(stage: Stage) -> None:
    await stage.run()
    await stage.see(1.5)
    await stage.counterpart.babble(f"<b>{SECRET}</b>")
    if stage.counterpart.tells_garbage:
        await until(lambda: stage.said("refused") or stage.said("next try in"), SECONDS)
    await stage.see(2.5)
