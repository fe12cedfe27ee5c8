"""Viewers who come back by themselves, as the page does, and the account of what they saw."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from websockets.exceptions import WebSocketException

from tests.support.promise import promised
from tests.support.site import LogCopy
from tests.support.viewer import Viewer

if TYPE_CHECKING:
    from tests.faults.rig import Cluster


@dataclass(frozen=True)
class Return:
    """One absence: when the line was gone, when data came again, and whether every source was resumed."""

    gone: float
    back: float
    recovered: bool

    @property
    def seconds(self) -> float:
        return self.back - self.gone


@dataclass(frozen=True)
class Account:
    """One line of the ledger: ticks published to a viewer, and how."""

    viewer: str
    published: int
    shown: int
    merged: int
    gap: int
    snaps: int
    repeats: int

    def __str__(self) -> str:
        return (
            f"{self.viewer}: published {self.published} = shown {self.shown} + merged {self.merged}; gap {self.gap}, "
            f"snapshots {self.snaps}, values again {self.repeats}"
        )


class Resident(Viewer):
    """A viewer of the ledger dashboard who never gives up: full jitter, resume by position, other server next time.

    Besides the seqs he checks the values: those of each series count up, and a number that is missing must lie in a
    gap that he was told of.
    """

    def __init__(self, urls: Sequence[str], turn: int, chance: random.Random, **options: Any) -> None:
        options.setdefault("dashboard", "ledger")
        super().__init__(urls[turn % len(urls)], **options)
        self.name = ""
        self._urls, self._turn, self._chance = urls, turn, chance
        self.returns: list[Return] = []
        self.unexplained: list[str] = []
        self.repeats = 0
        self.longest_silence = 0.0
        # Times at which data came, and its age in milliseconds then.
        self.heard: list[tuple[float, float]] = []
        self._numbers: dict[int, int] = {}
        self._told: set[int] = set()
        self._gone: float | None = None
        self._last_data = time.monotonic()
        # When each source had its last ticks, and the longest time without any.
        self._moments: dict[int, float] = {}
        self._silences: dict[int, float] = {}
        self._byes_heeded = 0

    async def live(self) -> None:
        """Connects, and connects again, until cancelled."""
        failures = 0
        while True:
            self._sit()
            opened, lived = time.monotonic(), False
            with contextlib.suppress(OSError, TimeoutError, WebSocketException, EOFError):
                await self.open()
                await self._until_gone()
                lived = time.monotonic() - opened > 5
            if self._gone is None:
                self._gone = time.monotonic()
            failures = 0 if lived else failures + 1
            self._turn += 1
            await asyncio.sleep(self._wait(failures))

    def _sit(self) -> None:
        """Takes the next server's address: what a proxy in front of them does."""
        url = self._urls[self._turn % len(self._urls)]
        self.url, self.origin = url.replace("http", "ws", 1) + "/ws/live/", url

    async def _until_gone(self) -> None:
        """Waits for the end of the line, or gives it up after a silence, as the page does."""
        assert self._reader is not None
        while not self._reader.done():
            before = sum(self.counts.values())
            await asyncio.wait([self._reader], timeout=25)
            if sum(self.counts.values()) == before and not self._reader.done():
                await self.cut()

    def _wait(self, failures: int) -> float:
        byes, self._byes_heeded = self.byes[self._byes_heeded :], len(self.byes)
        if byes and byes[-1]["retry"]:
            low, high = byes[-1]["retry"]
            return self._chance.uniform(low, high) / 1000
        return self._chance.uniform(0, min(20.0, max(1.0, 0.5 * 2**failures)))

    def sees(self, sources: int) -> bool:
        return len(self.books) >= sources and all(books.seq > books.begins for books in self.books.values())

    # --- what comes ---

    def _note_data(self) -> None:
        now = time.monotonic()
        self.longest_silence = max(self.longest_silence, now - self._last_data)
        self._last_data = now
        if self._gone is not None:
            recovered = all(source["recovered"] for source in self.subd[-1]["sources"])
            self.returns.append(Return(self._gone, now, recovered))
            self._gone = None

    def silence(self) -> float:
        """Returns the longest time without data since the last call, the time up to now included."""
        longest = max(self.longest_silence, time.monotonic() - self._last_data)
        self.longest_silence = 0.0
        return longest

    def source_silences(self) -> dict[int, float]:
        """Returns for each source the longest time without ticks since the last call, the time up to now included."""
        now = time.monotonic()
        found = {source: max(self._silences.get(source, 0.0), now - at) for source, at in self._moments.items()}
        self._silences.clear()
        return found

    def ages_since(self, moment: float) -> list[float]:
        """Returns in milliseconds how old the newest tick of each frame was that came since a moment."""
        return [age for at, age in self.heard if at >= moment]

    def _on_d(self, message: dict[str, Any]) -> None:
        super()._on_d(message)
        self._note_data()
        newest = 0
        for part in message["d"]:
            rows = part["rows"]
            counts = rows.get("k") or [1] * len(rows["i"])
            for series, first, last, count in zip(rows["i"], rows.get("o", rows["v"]), rows["v"], counts, strict=True):
                self._count(part["src"], series, int(first), int(last), count)
            if part["n"]:
                now, source = time.monotonic(), part["src"]
                silence = now - self._moments.get(source, now)
                self._silences[source] = max(self._silences.get(source, 0.0), silence)
                self._moments[source] = now
            if rows["t"]:
                newest = max(newest, rows["t0"] + rows["t"][-1])
        if newest:
            self.heard.append((time.monotonic(), time.time() * 1000 - newest))

    def _count(self, source: int, series: int, first: int, last: int, count: int) -> None:
        before = self._numbers.get(series)
        if before is not None and first > before + 1 and series not in self._told:
            self.unexplained.append(f"source {source}: {first} after {before}, without a gap")
        if before is not None and first <= before:
            self.repeats += before - first + 1
        if last - first + 1 != count:
            self.unexplained.append(f"source {source}: a row of {count} ticks from {first} to {last}")
        self._numbers[series] = last
        self._told.discard(series)

    def _on_gap(self, message: dict[str, Any]) -> None:
        super()._on_gap(message)
        # Until the next value of each of its series.
        self._told.update(series for series, row in self.meta.items() if row[1] == message["src"])
        if not message["why"]:
            self.unexplained.append(f"source {message['src']}: a gap without a cause")

    def _on_snap(self, message: dict[str, Any]) -> None:
        super()._on_snap(message)
        self._note_data()
        for series, value in zip(message["rows"]["i"], message["rows"]["v"], strict=True):
            before = self._numbers.get(series, 0)
            if value > before and before and series not in self._told:
                self.unexplained.append(f"source {message['src']}: a snapshot from {before} to {value}, without a gap")
            self._numbers[series] = max(before, int(value))
            self._told.discard(series)

    def account(self) -> Account:
        books = self.books.values()
        gap = sum(gap["b"] - gap["a"] + 1 for one in books for gap in one.gaps)
        sums = [sum(getattr(one, name) for one in books) for name in ("published", "shown", "merged")]
        return Account(self.name, *sums, gap, sum(one.snaps for one in books), self.repeats)


async def assert_ledger(cluster: Cluster, viewers: Collection[Resident], repeats: int) -> list[Account]:
    """Takes every viewer to the heads of this moment, prints the ledger, and fails on anything that does not add up."""
    slugs = {source: names["name"] for viewer in viewers for source, names in viewer.names.items()}
    heads = {source: await asyncio.to_thread(cluster.read_log, slug, 2**50) for source, slug in slugs.items()}
    for viewer in viewers:
        for source, head in heads.items():
            books = viewer.books[source]
            await cluster.until(
                lambda books=books, head=head: (books.epoch, books.seq >= head.head) == (head.epoch, True),
                15,
                f"{viewer.name} stands at {books.epoch} {books.seq}, {slugs[source]} at {head.epoch} {head.head}",
            )
    accounts = [viewer.account() for viewer in viewers]
    print(*accounts, sep="\n")
    for viewer in viewers:
        found = [what for books in viewer.books.values() for what in books.wrong] + viewer.unexplained + viewer.errors
        with promised():
            assert not found, f"{viewer.name}: {len(found)} of {found[:5]}"
            assert viewer.repeats <= repeats, f"{viewer.name} got {viewer.repeats} values again"
    for source, slug in slugs.items():
        stand = {
            viewer.name: (books := viewer.books[source], books.begins, books.seq, books.published) for viewer in viewers
        }
        begins, ends = min(one[1] for one in stand.values()), max(one[2] for one in stand.values())
        log = await asyncio.to_thread(cluster.read_log, slug, begins, ends)
        with promised():
            _compare(log, {name: one[1:] for name, one in stand.items()}, slug)
    return accounts


def _compare(log: LogCopy, stand: dict[str, tuple[int, int, int]], slug: str) -> None:
    """Holds what viewers were given against the log: as many ticks, and numbers that count up but for gaps in seq."""
    for name, (begins, seq, published) in stand.items():
        if begins + 1 >= log.oldest:
            there = sum(begins < one <= seq for one in log.seqs)
            assert there == published, f"{name} was given {published} ticks of {slug}, the log holds {there}"
    numbers: dict[int, tuple[int, int]] = {}
    for seq, (series, _, value, _) in zip(log.seqs, log.ticks, strict=True):
        before_seq, before = numbers.get(series, (0, 0))
        if before and value > before + 1:
            lost = seq - before_seq - sum(before_seq < one <= seq for one in log.seqs)
            assert lost > 0, f"{slug}: {value} after {before} at {seq}, and nothing says that ticks were lost"
        numbers[series] = (seq, int(value))
