"""Holds the recent ticks of one source by seq, and the last tick of each of its series."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dashboard.timeseries.tick import LOST, Ticks

# Ticks in one block: small enough that a slow source costs 28 KiB, large enough that 1 M ticks are 1,000 blocks.
BLOCK = 1024
# Texts are kept beside the columns; this many bytes of them a source, then the oldest ticks go.
TEXT_BUDGET = 16 * 1024 * 1024
# What a text costs besides its bytes: an object, its key and their place in a dict.
_TEXT_OVERHEAD = 160
# The age of ticks is known to this fraction of the time that they are kept.
_AGE_STEPS = 180


@dataclass(frozen=True, slots=True)
class Last:
    """The last tick of a series: `time` in milliseconds since 1970 UTC, `volume` None where it has none."""

    seq: int
    time: int
    value: float | str
    volume: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Seqs a..b that hold nothing because their ticks were lost, why, and between which times (milliseconds)."""

    a: int
    b: int
    why: str
    start: int | None
    end: int | None


def _weight(text: str) -> int:
    return len(text.encode()) + _TEXT_OVERHEAD


class _Block:
    """Up to BLOCK ticks in columns; 28 bytes each. What was written never changes, so views of it stay valid."""

    __slots__ = ("first", "length", "series", "times", "values", "volumes")

    def __init__(self, first: int) -> None:
        self.first = first
        self.length = 0
        self.series = np.empty(BLOCK, np.uint32)
        self.times = np.empty(BLOCK, np.int64)
        self.values = np.empty(BLOCK, np.float64)
        self.volumes = np.empty(BLOCK, np.float64)

    def take(self, ticks: Ticks, start: int) -> int:
        """Copies as many ticks from `start` on as fit, and returns how many."""
        count = min(BLOCK - self.length, len(ticks) - start)
        here, there = slice(self.length, self.length + count), slice(start, start + count)
        self.series[here] = ticks.series[there]
        self.times[here] = ticks.times[there]
        self.values[here] = ticks.values[there]
        self.volumes[here] = ticks.volumes[there]
        self.length += count
        return count


class Ring:
    """A window onto the end of a source's tick line: seqs `oldest`..`head` of `epoch`, empty when oldest = head + 1.

    It keeps at most `ticks` ticks and, to about half a percent, those that arrived within `seconds`. `last` outlives
    the window: it holds the last tick of every series since the epoch began. All times are milliseconds.
    """

    def __init__(self, epoch: str, *, ticks: int, seconds: float, head: int = 0) -> None:
        self.max_ticks = ticks
        self.max_age = int(seconds * 1000)
        self.reset(epoch, head)

    def reset(self, epoch: str, head: int = 0) -> None:
        """Forgets everything and goes on after `head` in another epoch."""
        self.epoch = epoch
        self.head = head
        self.oldest = head + 1
        self.last: dict[int, Last] = {}
        self._blocks: deque[_Block] = deque()
        self._texts: dict[int, str] = {}
        self._text_bytes = 0
        self.gaps: deque[Gap] = deque()
        # (seq, arrival): everything from seq on arrived at this moment or later.
        self._arrivals: deque[tuple[int, int]] = deque()

    def __len__(self) -> int:
        return self.head - self.oldest + 1

    def append(self, ticks: Ticks, now: int) -> None:
        """Gives the ticks the next seqs and lets go what no longer fits."""
        if len(ticks):
            if not self._arrivals or now - self._arrivals[-1][1] >= self.max_age // _AGE_STEPS:
                self._arrivals.append((self.head + 1, now))
            self._remember(ticks)
            done = 0
            while done < len(ticks):
                if not self._blocks or self._blocks[-1].length == BLOCK:
                    self._blocks.append(_Block(self.head + 1))
                taken = self._blocks[-1].take(ticks, done)
                done += taken
                self.head += taken
        self.trim(now)

    def lose(self, count: int, why: str, start: int | None, end: int | None, now: int) -> None:
        """Gives `count` lost ticks the next seqs, so that every viewer comes past the gap and is told."""
        self.gaps.append(Gap(self.head + 1, self.head + count, why, start, end))
        self.append(Ticks.lost(count, now), now)

    def gap_from(self, seq: int) -> Gap | None:
        """Returns the first gap that ends at `seq` or later."""
        return next((gap for gap in self.gaps if gap.b >= seq), None)

    def _remember(self, ticks: Ticks) -> None:
        """Keeps the texts by seq, and the last tick of each series."""
        first = self.head + 1
        for row, text in ticks.texts.items():
            self._texts[first + row] = text
            self._text_bytes += _weight(text)
        # A dict keeps the last of equal keys, so this is one row a series, at the speed of zip.
        for series, row in dict(zip(ticks.series.tolist(), range(len(ticks)), strict=True)).items():
            if series == LOST:
                continue
            volume = float(ticks.volumes[row])
            self.last[series] = Last(
                first + row,
                int(ticks.times[row]),
                ticks.texts[row] if row in ticks.texts else float(ticks.values[row]),
                None if volume != volume else volume,
            )

    def trim(self, now: int) -> None:
        """Lets go the oldest ticks beyond the number, the age and the bytes of text that are kept."""
        oldest = max(self.oldest, self.head - self.max_ticks + 1)
        # What a mark stands for arrived within a step of it, and before the next mark.
        while self._arrivals and (
            self._arrivals[0][1] + self.max_age // _AGE_STEPS < now - self.max_age
            or (len(self._arrivals) > 1 and self._arrivals[1][1] < now - self.max_age)
        ):
            self._arrivals.popleft()
            oldest = max(oldest, self._arrivals[0][0] if self._arrivals else self.head + 1)
        self._drop_before(oldest)
        while self._text_bytes > TEXT_BUDGET:
            self._drop_before(self.oldest + BLOCK)

    def _drop_before(self, oldest: int) -> None:
        oldest = min(oldest, self.head + 1)
        if self._texts:
            for seq in range(self.oldest, oldest):
                text = self._texts.pop(seq, None)
                self._text_bytes -= 0 if text is None else _weight(text)
        self.oldest = oldest
        while self.gaps and self.gaps[0].b < oldest:
            self.gaps.popleft()
        while self._blocks and self._blocks[0].first + self._blocks[0].length <= oldest:
            self._blocks.popleft()

    def slice(self, a: int, b: int) -> Ticks:
        """Returns ticks a..b. Both must be in the window (b = a - 1 gives none); the memory is shared, not copied,
        where the range lies in one block."""
        if not self.oldest <= a <= b + 1 <= self.head + 1:
            raise IndexError(f"{a}..{b} is not within {self.oldest}..{self.head}")
        if b < a:
            return Ticks.empty()
        start, end = (a - self._blocks[0].first) // BLOCK, (b - self._blocks[0].first) // BLOCK
        parts = []
        for place in range(start, end + 1):
            block = self._blocks[place]
            rows = slice(max(a - block.first, 0), min(b - block.first, BLOCK - 1) + 1)
            parts.append(Ticks(block.series[rows], block.times[rows], block.values[rows], block.volumes[rows]))
        ticks = Ticks.join(parts)
        if not self._texts:
            return ticks
        texts = {seq - a: self._texts[seq] for seq in range(a, b + 1) if seq in self._texts}
        return Ticks(ticks.series, ticks.times, ticks.values, ticks.volumes, texts)

    def since(self, arrival: int) -> int:
        """Returns a seq such that everything before it arrived before `arrival` (milliseconds)."""
        found = self.oldest
        for seq, arrived in self._arrivals:
            if arrived > arrival:
                break
            found = max(seq, self.oldest)
        return found
