"""Decides what a viewer gets next: the one place, whatever has happened to him before.

Opening a page, live ticking, a slow phone, a rate, a hidden tab that comes back, a reconnect, a pause: each is a
cursor that stands somewhere behind the head, and `advance` sends what lies between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from dashboard.live.watch import Interest, Sieve, Watch
from dashboard.protocol import frames
from dashboard.protocol.frames import Frame
from dashboard.timeseries.conflate import SECOND, Rows, conflate, unit_for
from dashboard.timeseries.ring import Ring
from dashboard.timeseries.tick import Ticks

logger = logging.getLogger(__name__)

# A data frame is cut at about this size, so that a credit of 256 KiB has room for two.
FRAME_BYTES = 120 * 1024
# Ticks that one step looks at: bounds the time for which a viewer far behind holds the others up (about 20 ms).
STEP_TICKS = 250_000
# The same when nothing may be merged: about what fits into a frame.
STEP_TICKS_UNMERGED = 8_000
# Rows of a snapshot; more series than fit get fewer points each.
SNAPSHOT_ROWS = 20_000
# A range in which a viewer has no tick waits until it has this many seqs, or the heartbeat.
QUIET_TICKS = 4_096


@dataclass(frozen=True, slots=True)
class Place:
    """Where a viewer stands in a source: he has everything up to `seq` of `epoch` (None: he has nothing).

    With `snap` he gets a snapshot as soon as he is at the head, because he looks at more series than before.
    """

    epoch: str | None = None
    seq: int = 0
    snap: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Cursor:
    """Where a viewer stands in all his sources. Viewers who stand at the same places share the object."""

    places: Mapping[int, Place]


class Mode(NamedTuple):
    """How a viewer wants to be served: `merge` ticks into rows, `starved` because his credit had run out,
    `complete` when he must learn even of ranges that hold nothing for him."""

    merge: bool
    starved: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One advance: the frames to send, where the viewer then stands, and whether more lies beyond.

    `taxed` is the first of the frames that takes credit: without that much, none is sent.
    """

    frames: tuple[Frame, ...]
    cursor: Cursor
    more: bool
    taxed: Frame | None = None


Verdict = Literal["first", "epoch", "ahead", "trimmed"]


def verdict(place: Place, ring: Ring) -> Verdict | None:
    """Returns why a viewer cannot go on from his place, or None when he can."""
    if place.epoch is None or (not place.epoch and ring.epoch):
        # The empty epoch is that of a log in which nobody has written yet, or which could not be read so far.
        return "first"
    if not ring.epoch:
        return None
    if place.epoch != ring.epoch:
        return "epoch"
    if place.seq > ring.head:
        return "ahead"
    if place.seq + 1 < ring.oldest:
        return "trimmed"
    return None


class Advancer:
    """Takes cursors to the head. Viewers at the same cursor with the same watch get the same encoded bytes."""

    def __init__(self, ring: Callable[[int], Ring], clock: Callable[[], float]) -> None:
        self._ring = ring
        self._clock = clock
        self._steps: dict[tuple[Watch, Cursor, Mode], Step] = {}
        self._cursors: dict[tuple[tuple[int, Place], ...], Cursor] = {}
        self._sieves: dict[frozenset[int], Sieve] = {}
        self._heartbeats: dict[tuple[Watch, int], Frame] = {}

    def heads_moved(self) -> None:
        """Forgets what was worked out for the heads as they were."""
        self._steps.clear()
        self._cursors.clear()
        self._heartbeats.clear()
        if len(self._sieves) > 10_000:
            self._sieves.clear()

    def advance(self, watch: Watch, cursor: Cursor, mode: Mode) -> Step:
        """Returns the next step of a viewer; one with neither frames nor more when there is nothing for him."""
        key = (watch, cursor, mode)
        step = self._steps.get(key)
        if step is None:
            step = self._steps[key] = self._work_out(watch, cursor, mode)
        return step

    def heartbeat(self, watch: Watch, wall: int) -> Frame:
        """Returns the heartbeat that names the heads of this moment, one for all who look at the same."""
        frame = self._heartbeats.get((watch, wall))
        if frame is None:
            rings = {source: self._ring(source) for source in watch.interests}
            heads = {source: (ring.epoch, ring.head) for source, ring in rings.items()}
            frame = self._heartbeats[watch, wall] = frames.heartbeat(wall, heads)
        return frame

    def _work_out(self, watch: Watch, cursor: Cursor, mode: Mode) -> Step:
        before: list[Frame] = []
        parts: list[bytes] = []
        places: dict[int, Place] = {}
        more = False
        room = FRAME_BYTES
        for source, interest in watch.interests.items():
            place = places[source] = cursor.places.get(source, Place())
            if room <= 0:
                more = True
                continue
            found, part, place = self._from(place, interest, mode, room)
            before += found
            if part:
                parts.append(part)
            # What stands alone counts as well: the snapshots of many sources do not wait for one viewer all at once.
            room -= len(part) + sum(map(len, found))
            places[source] = place
            more = more or place.snap or (bool(part or found) and place.seq < self._ring(source).head)
        if parts:
            before.append(frames.data(parts))
        taxed = next((frame for frame in before if frame.token is not None), None)
        return Step(tuple(before), self._shared(places), more, taxed)

    def _shared(self, places: dict[int, Place]) -> Cursor:
        """Returns the one cursor for these places, so that viewers who meet there become one cohort."""
        return self._cursors.setdefault(tuple(places.items()), Cursor(places))

    def _from(self, place: Place, interest: Interest, mode: Mode, room: int) -> tuple[list[Frame], bytes, Place]:
        """Takes one source from `place` towards its head: frames that stand alone, a part of the data frame, and the
        place reached."""
        ring = self._ring(interest.source)
        found: list[Frame] = []
        why = verdict(place, ring)
        if why == "trimmed":
            found.append(self._gap(place, ring.oldest - 1, "slow" if mode.starved else "trimmed", interest.source))
            # The newest tick of a slow series may lie in what is gone: a snapshot follows at the head.
            place = replace(place, seq=ring.oldest - 1, snap=True)
        elif why == "epoch" or why == "ahead":
            if why == "ahead":
                logger.warning("source=%d: a viewer was at %s, the log is at %d", interest.source, place, ring.head)
            # How many ticks are missing between two epochs cannot be known: the range is empty, the times speak.
            found.append(self._gap(place, place.seq, why, interest.source))
        if why in ("first", "epoch", "ahead") or (place.snap and place.seq == ring.head):
            found += self._snapshot(interest, ring)
            return found, b"", Place(ring.epoch, ring.head)
        gap = ring.gap_from(place.seq + 1)
        if gap is not None and gap.a <= place.seq + 1:
            found.append(frames.gap(interest.source, place.seq + 1, gap.b, gap.why, gap.start, gap.end))
            place = replace(place, seq=gap.b)
            gap = ring.gap_from(place.seq + 1)
        part, seq = self._part(interest, ring, place, mode, room, ring.head if gap is None else gap.a - 1)
        return found, part, replace(place, seq=seq)

    def _gap(self, place: Place, b: int, why: str, source: int) -> Frame:
        ring = self._ring(source)
        # Nothing has come yet: the gap lasts until now at least.
        resumes = int(ring.slice(ring.oldest, ring.oldest).times[0]) if len(ring) else int(self._clock() * 1000)
        return frames.gap(source, place.seq + 1, b, why, None, resumes)

    def _pick(self, interest: Interest, ticks: Ticks) -> Ticks:
        sieve = self._sieves.get(interest.series)
        if sieve is None:
            sieve = self._sieves[interest.series] = Sieve(interest.series)
        return sieve.pick(ticks)

    def _part(
        self, interest: Interest, ring: Ring, place: Place, mode: Mode, room: int, until: int
    ) -> tuple[bytes, int]:
        """Encodes what follows `place`, up to `until` and as far as `room` bytes allow; returns it and its last seq."""
        a = place.seq + 1
        b = min(until, a + (STEP_TICKS if mode.merge else STEP_TICKS_UNMERGED) - 1)
        if b < a:
            return b"", place.seq
        ticks = self._pick(interest, ring.slice(a, b))
        if not len(ticks) and not (mode.complete or place.snap or until < ring.head) and b - a < QUIET_TICKS:
            return b"", a - 1
        while True:
            rows = conflate(ticks, _unit(ticks, interest.points)) if mode.merge else Rows(ticks)
            part = frames.data_part(interest.source, a, b, rows)
            if len(part) <= room or a == b:
                return part, b
            b = a + max(int((b - a + 1) * 0.9 * room / len(part)), 1) - 1
            ticks = self._pick(interest, ring.slice(a, b))

    def _snapshot(self, interest: Interest, ring: Ring) -> list[Frame]:
        """Encodes the window that the viewer asked for, and the last tick of each series wherever it lies."""
        begin = int((self._clock() - interest.window) * 1000)
        a = ring.since(begin) if interest.window else ring.head + 1
        lasts = sorted((ring.last[series].seq, series) for series in interest.series if series in ring.last)
        ticks = ring.slice(a, ring.head)
        # The last tick by seq is the value of now, even if its time is older than the window.
        wanted = ticks.times >= begin
        wanted[[seq - a for seq, _ in lasts if seq >= a]] = True
        ticks = self._pick(interest, ticks.where(wanted))
        older = [(series, ring.last[series]) for seq, series in lasts if seq < a]
        before = Ticks.of(
            [series for series, _ in older],
            [last.time for _, last in older],
            [last.value for _, last in older],
            [last.volume for _, last in older],
        )
        rows = _thin(Ticks.join([before, ticks]), interest.points, int(interest.window * 1000))
        return frames.snapshot(interest.source, ring.epoch, ring.head, _sheets(rows))


def _unit(ticks: Ticks, points: int) -> int:
    """Returns how long a row may be: a second when the ticks are few, however far apart their times."""
    return SECOND if len(ticks) <= points else unit_for(int(np.ptp(ticks.times)), points)


def _thin(ticks: Ticks, points: int, window: int) -> Rows:
    """Merges to about `points` rows a series in `window` milliseconds; leaves few enough ticks alone."""
    if not len(ticks):
        return Rows(ticks)
    series, counts = np.unique(ticks.series, return_counts=True)
    points = max(min(points, SNAPSHOT_ROWS // len(series)), 1)
    if counts.max() <= points:
        return Rows(ticks)
    # A series that was silent for days does not make the rows of the others longer.
    return conflate(ticks, unit_for(min(int(np.ptp(ticks.times)), window), points))


def _sheets(rows: Rows) -> list[Rows]:
    """Cuts the rows of a snapshot so that each part fits into a frame; one empty part when there are none."""
    size = len(frames.data_part(0, 0, 0, rows))
    if size <= FRAME_BYTES:
        return [rows]
    half = len(rows) // 2
    return _sheets(rows.cut(0, half)) + _sheets(rows.cut(half, len(rows)))
