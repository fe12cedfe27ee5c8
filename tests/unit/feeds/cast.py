"""Holds what the tests of feeds share: a bench that records, and feeds that behave in every bad way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, SeriesInfo, SeriesSpec, SourceSpec
from dashboard.feeds.health import Health
from dashboard.feeds.limits import Limits
from dashboard.feeds.registry import UnknownKind
from dashboard.feeds.runner import Runner
from dashboard.feeds.supervisor import Supervisor
from dashboard.timeseries.tick import Ticks

# Real waits, scaled down.
QUICK = Limits(look=0.02, silence=0.2, silence_extra=0.1, end=0.2, retry_base=0.02, admit=0.2, sink=0.3)


class AnyConfig(FeedConfig):
    symbol: str = "AAPL"
    size: int = 1


class Bench:
    """Stands where ingest stands: takes ticks, admits series up to a limit, hears what is announced."""

    def __init__(self, limits: Limits = QUICK, room: int = 1000) -> None:
        self.limits = limits
        self.room = room
        self.kinds: dict[str, type[Feed[Any]]] = {}
        self.taken: dict[int, list[Ticks]] = {}
        self.announced: dict[int, list[Health]] = {}
        self.asked: list[Sequence[SeriesSpec]] = []
        self.ids: dict[tuple[int, str], int] = {}

    async def sink(self, source: int, ticks: Ticks) -> None:
        self.taken.setdefault(source, []).append(ticks)

    async def admit(self, source: int, specs: Sequence[SeriesSpec]) -> Mapping[str, SeriesInfo]:
        self.asked.append(specs)
        infos = {}
        for spec in specs:
            if len(self.ids) < self.room or (source, spec.key) in self.ids:
                number = self.ids.setdefault((source, spec.key), len(self.ids) + 1)
                infos[spec.key] = SeriesInfo(number, spec.decimals, spec.text)
        return infos

    def announce(self, source: int, health: Health) -> None:
        self.announced.setdefault(source, []).append(health)

    def kind_of(self, name: str) -> type[Feed[Any]]:
        if name not in self.kinds:
            raise UnknownKind(f"There is no kind of source called “{name}”.")
        return self.kinds[name]

    def offer(self, name: str, /, run: Callable[[Any], AsyncIterator[FeedBatch]], **attributes: Any) -> str:
        """Makes a kind of a function that takes the feed and yields batches."""
        members = {"kind": name, "label": name, "Config": AnyConfig, "run": run, **attributes}
        self.kinds[name] = type(name, (Feed,), members)
        return name

    def spec(self, kind: str, source: int = 1, **fields: Any) -> SourceSpec:
        fields = {"config": {}, "cadence": 0.01, **fields}
        return SourceSpec(id=source, slug=f"source-{source}", kind=kind, **fields)

    def runner(self, spec: SourceSpec, **extra: Any) -> Runner:
        return Runner(spec, **self._parts() | extra)

    def supervisor(self) -> Supervisor:
        return Supervisor(**self._parts())

    def _parts(self) -> dict[str, Any]:
        return {
            "sink": self.sink,
            "admit": self.admit,
            "announce": self.announce,
            "random": lambda: 0.5,
            "limits": self.limits,
            "kind_of": self.kind_of,
        }

    def ticks(self, source: int = 1) -> Ticks:
        return Ticks.join(self.taken.get(source, []))

    def values(self, source: int = 1) -> list[float]:
        return self.ticks(source).values.tolist()

    def states(self, source: int = 1) -> list[str]:
        """The states in the order in which they were announced, each once as long as it lasted."""
        names = [health.state for health in self.announced.get(source, [])]
        return [name for place, name in enumerate(names) if place == 0 or name != names[place - 1]]

    def last(self, source: int = 1) -> Health:
        return self.announced[source][-1]

    def said(self, text: str, source: int = 1) -> bool:
        return any(text in health.msg for health in self.announced.get(source, []))


async def until(condition: Callable[[], object], seconds: float = 3.0) -> None:
    """Waits until a condition holds, and fails when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.005)


class Running:
    """Runs a runner for the length of a with block."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def __aenter__(self) -> Runner:
        self.task = asyncio.create_task(self._runner.run())
        return self._runner

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait({self.task}, timeout=2)
        assert self.task.cancelled()


def batch(*values: float | str, key: str = "AAPL", **columns: Any) -> FeedBatch:
    return FeedBatch([key] * len(values), list(values), **columns)


async def steady(feed: Feed[Any]) -> AsyncIterator[FeedBatch]:
    """A healthy feed: 1, 2, 3, … every 10 ms."""
    number = 0
    while True:
        number += 1
        yield batch(float(number))
        await asyncio.sleep(0.01)


class Once:
    """A feed that yields some batches and then waits for ever; `AAPL` and `note` (text) are declared."""

    declared: ClassVar[Sequence[SeriesSpec]] = (
        SeriesSpec("AAPL", "Apple", "USD", 2),
        SeriesSpec("note", "Note", text=True),
    )

    def __init__(self, *batches: FeedBatch) -> None:
        self.batches = batches

    def on(self, bench: Bench, **attributes: Any) -> str:
        async def run(feed: Feed[Any]) -> AsyncIterator[FeedBatch]:
            for item in self.batches:
                yield item
            await asyncio.sleep(3600)

        def series(feed: Feed[Any]) -> Sequence[SeriesSpec]:
            return self.declared

        return bench.offer("once", run, series=series, ticks_by_itself=False, **attributes)


def strange(value: Any) -> Any:
    """Lets a value past the type checker that a feed may yield all the same."""
    return value


def floats(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, np.float64)
