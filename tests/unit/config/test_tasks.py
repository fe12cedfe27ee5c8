"""Tests that what a process cannot do without goes on, and that it is known when it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from config import tasks as tasks_module
from config.tasks import Tasks


async def until(condition: Callable[[], Any], seconds: float = 3.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.002)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "RESTART", (0.005, 0.02))


class Work:
    """Counts its runs and ends each in the given way; the last way is to go on for ever."""

    def __init__(self, *ends: Callable[[], Any]) -> None:
        self.ends = list(ends)
        self.runs = 0
        self.ended = False

    async def __call__(self) -> None:
        self.runs += 1
        try:
            if len(self.ends) >= self.runs:
                self.ends[self.runs - 1]()
                return
            await asyncio.Event().wait()
        finally:
            self.ended = True


def fail() -> None:
    raise RuntimeError("on purpose")


def cancel_itself() -> None:
    raise asyncio.CancelledError


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("end", [fail, lambda: None, cancel_itself], ids=["raises", "returns", "cancels itself"])
async def test_work_that_ends_in_whatever_way_is_started_again(end: Callable[[], Any]) -> None:
    work, tasks = Work(end, end, end), Tasks()
    tasks.start("work", work)
    await until(lambda: work.runs == 4)
    assert tasks.restarts == 3
    assert tasks.down == {}
    await tasks.stop()


@pytest.mark.usefixtures("quick")
async def test_one_that_fails_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    bad, good, tasks = Work(*[fail] * 10_000), Work(), Tasks()
    tasks.start("bad", bad)
    tasks.start("good", good)
    await until(lambda: bad.runs > 5)
    assert good.runs == 1
    assert "task bad has failed" in caplog.text
    await tasks.stop()


async def test_what_is_down_is_known_until_it_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "RESTART", (0.05, 0.1))
    work, tasks = Work(fail), Tasks()
    tasks.start("work", work)
    await until(lambda: "work" in tasks.down)
    await until(lambda: work.runs == 2)
    assert tasks.down == {}
    await tasks.stop()


async def test_pauses_between_starts_grow_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await real(0)

    work, tasks = Work(*[fail] * 12), Tasks()
    monkeypatch.setattr(tasks_module.asyncio, "sleep", sleep)
    tasks.start("work", work)
    while work.runs < 13:
        await real(0)
    await tasks.stop()
    assert slept == sorted(slept)
    assert slept[0] <= 0.2
    assert slept[-1] == 5.0
    assert len(slept) == 12


async def test_stop_ends_everything_and_starts_nothing_again() -> None:
    works, tasks = [Work() for _ in range(5)], Tasks()
    for number, work in enumerate(works):
        tasks.start(str(number), work)
    await asyncio.sleep(0)
    await tasks.stop()
    assert all(work.ended and work.runs == 1 for work in works)
    await tasks.stop()


@pytest.mark.usefixtures("quick")
async def test_stop_reaches_work_that_is_waiting_for_its_next_start() -> None:
    work, tasks = Work(*[fail] * 10_000), Tasks()
    tasks.start("work", work)
    await until(lambda: tasks.down)
    await tasks.stop()
    runs = work.runs
    await asyncio.sleep(0.03)
    assert work.runs == runs


@pytest.mark.usefixtures("quick")
async def test_stop_does_not_wait_for_ever_for_one_that_will_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "STOP", 0.05)
    released = asyncio.Event()
    runs = 0

    async def stubborn() -> None:
        nonlocal runs
        runs += 1
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    tasks = Tasks()
    tasks.start("stubborn", stubborn)
    (task,) = tasks._tasks.values()
    await asyncio.sleep(0)
    begun = time.monotonic()
    await tasks.stop()
    assert time.monotonic() - begun < 1
    released.set()
    async with asyncio.timeout(8):
        await asyncio.gather(task, return_exceptions=True)
    assert runs == 1, "started again after the end"
