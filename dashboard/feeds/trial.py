"""Runs a feed for a moment, apart from any worker, to see what it gives."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import BoundedSemaphore, Thread
from typing import Any

from dashboard.feeds.base import SeriesInfo, SeriesSpec, SourceSpec
from dashboard.feeds.health import Health
from dashboard.feeds.limits import Limits
from dashboard.feeds.payload import quoting
from dashboard.feeds.runner import Runner
from dashboard.feeds.words import count, hide
from dashboard.timeseries.tick import Ticks

SECONDS = 5.0
# Trials that one web process runs at once: each has a thread, and a connection to somewhere.
AT_ONCE = 4
# Seconds that a feed may take to begin and to end, besides the trial itself.
PATIENCE = 2.0 + 2 * Limits().end
_places = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Sample:
    """A tick as it would be logged: milliseconds since 1970 UTC, the rounded value, its volume if it has one."""

    time: int
    value: float | str
    volume: float | None


@dataclass(slots=True)
class Trial:
    """What came: the first samples by key, in the order in which the keys came, and how the feed was at the end."""

    wanted: int
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    ticks: int = 0
    health: Health | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _keys: dict[int, str] = field(default_factory=dict)

    async def admit(self, source: int, specs: Sequence[SeriesSpec]) -> Mapping[str, SeriesInfo]:
        """Takes every key, as far as the source's limit goes, without writing anything down."""
        admitted = {}
        for number, spec in enumerate(specs, 1 + len(self._keys)):
            self._keys[number] = spec.key
            self.samples[spec.key] = []
            admitted[spec.key] = SeriesInfo(number, spec.decimals, spec.text)
        return admitted

    async def take(self, source: int, ticks: Ticks) -> None:
        self.ticks += len(ticks)
        for row, series in enumerate(ticks.series.tolist()):
            samples = self.samples[self._keys[series]]
            if len(samples) < self.wanted:
                volume = float(ticks.volumes[row])
                value = ticks.texts.get(row, float(ticks.values[row]))
                samples.append(Sample(int(ticks.times[row]), value, volume if volume == volume else None))
        if all(len(samples) >= self.wanted for samples in self.samples.values()):
            self.over.set()

    def verdict(self) -> tuple[bool, str]:
        """Returns whether the feed works, and what is to be said of it."""
        health = self.health
        if (
            health is not None
            and (health.state == "down" or health.msg)
            and not (self.ticks and health.state == "late")
        ):
            return False, f"is {health.state}: {health.msg}"
        if not self.ticks:
            if health is not None and health.state == "live":
                return True, f"waits. Nothing was sent to it in {SECONDS:g} seconds, and it may be silent for ever."
            return False, f"gave nothing in {SECONDS:g} seconds, and no error either."
        quiet = sum(1 for samples in self.samples.values() if not samples)
        still = f" {quiet} more were silent." if quiet else ""
        return True, f"works: {count(self.ticks, 'tick')} of {len(self.samples) - quiet:,} series.{still}{self._pace()}"

    def _pace(self) -> str:
        late = self.health is not None and self.health.state == "late"
        return " No more came in time for its cadence: is that as long as its interval?" if late else ""

    def announce(self, source: int, health: Health) -> None:
        if self.health is not None and self.health.state == "down":
            return  # the first error is the one to be told, not that of the next try
        self.health = health
        if health.state == "down":
            self.over.set()


async def trial(spec: SourceSpec, *, seconds: float = SECONDS, samples: int = 3) -> Trial:
    """Runs a feed until every series has so many samples, or it fails, or the time is over.

    What could not be read is quoted: whoever tries a source may see what it gives, and needs to.
    """
    quoted = quoting.set(True)
    try:
        return await _trial(spec, seconds, samples)
    finally:
        quoting.reset(quoted)


async def _trial(spec: SourceSpec, seconds: float, samples: int) -> Trial:
    found = Trial(samples)
    runner = Runner(spec, sink=found.take, admit=found.admit, announce=found.announce)
    running = asyncio.create_task(runner.run())
    waiting = asyncio.create_task(found.over.wait())
    try:
        await asyncio.wait([running, waiting], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        found.announce(spec.id, runner.health)
    finally:
        for task in (running, waiting):
            task.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)
    return found


class Busy(Exception):
    """As many trials run here as may; the text says so."""


def trial_apart(spec: SourceSpec) -> Trial:
    """Runs a trial on a thread and a loop of its own, and waits for it; raises Busy.

    Whatever the feed does, it harms no other. One that does not end keeps its place among the trials until it does.
    """
    if not _places.acquire(blocking=False):
        raise Busy(f"{AT_ONCE} tests run here at this moment, and no more may. Try again in a few seconds.")
    found: list[Trial] = []

    def run() -> None:
        try:
            found.append(asyncio.run(trial(replace(spec, slug=f"{spec.slug} (test)"))))
        finally:
            _places.release()

    thread = Thread(target=run, name=f"trial of {spec.slug}", daemon=True)
    thread.start()
    thread.join(SECONDS + PATIENCE)
    if not found:
        why = "it blocks, and does not end" if thread.is_alive() else "the test itself failed; the log says why"
        return Trial(0, health=Health("down", 0, msg=why))
    return _discreet(found[0], list(spec.secrets.values()))


def trial_of(
    slug: str, kind: str, config: Mapping[str, Any], secrets: Mapping[str, str], cadence: float, max_series: int
) -> Trial:
    """Tries a source that is no row yet, as trial_apart does."""
    return trial_apart(SourceSpec(0, slug, kind, config, cadence, max_series, secrets))


def _discreet(found: Trial, secrets: Sequence[str]) -> Trial:
    """Hides secrets that the other side sends back: what is shown here is no dashboard that somebody chose."""
    for key, samples in found.samples.items():
        found.samples[key] = [
            replace(sample, value=hide(sample.value, secrets)) if isinstance(sample.value, str) else sample
            for sample in samples
        ]
    return found
