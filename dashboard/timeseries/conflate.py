"""Turns ticks into rows: one each, or several ticks of a series merged into one that keeps open, high, low and last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.timeseries.tick import Ticks

SECOND = 1000
MINUTE = 60 * SECOND
# Lengths of a merged row in seconds. Each divides the next and all divide a minute: no row crosses a whole one, and
# candles of 5, 15 and 60 seconds come out exactly from rows that are no longer than they are.
_UNITS = (1, 5, 15, 60)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in the seq order of their last ticks; without `counts`, `open`, `high` and `low` when every row is one tick.

    A merged row's time, value and text are those of its last tick, its volume the sum (NaN when no tick had one).
    """

    ticks: Ticks
    counts: NDArray[np.int64] | None = None
    open: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    low: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.ticks)

    def cut(self, start: int, end: int) -> Rows:
        """Returns rows start..end-1, sharing memory."""
        rows = slice(start, end)
        if self.counts is None or self.open is None or self.high is None or self.low is None:
            return Rows(self.ticks.cut(start, end))
        return Rows(self.ticks.cut(start, end), self.counts[rows], self.open[rows], self.high[rows], self.low[rows])

    @property
    def tick_count(self) -> int:
        return len(self.ticks) if self.counts is None else int(self.counts.sum())


def unit_for(span: int, points: int) -> int:
    """Returns how long a merged row may be, in milliseconds, so that `span` milliseconds give about `points` rows.

    It is a second as long as the span has no more seconds than points; beyond that it grows to a whole minute at most.
    """
    for unit in _UNITS:
        if span <= points * unit * SECOND:
            return unit * SECOND
    return MINUTE


def conflate(ticks: Ticks, unit: int) -> Rows:
    """Merges, per series, each run of neighbouring ticks whose times lie in the same `unit` (milliseconds).

    Only neighbours merge: when the times of a series go back and forth over a boundary, each side stays a row of its
    own, so that open and last of any candle of this resolution or coarser come out by seq, as from single ticks.
    Texts are never merged: a short-lived one would vanish.
    """
    count = len(ticks)
    if count < 2:
        return Rows(ticks)
    order = np.argsort(ticks.series, kind="stable")
    series, buckets = ticks.series[order], ticks.times[order] // unit
    begins = np.empty(count, np.bool_)
    begins[0] = True
    begins[1:] = (series[1:] != series[:-1]) | (buckets[1:] != buckets[:-1])
    if ticks.texts:
        is_text = np.zeros(count, np.bool_)
        is_text[list(ticks.texts)] = True
        begins |= is_text[order]
    starts = np.flatnonzero(begins)
    if len(starts) == count:
        return Rows(ticks)
    return _merge(ticks, order, starts)


def _merge(ticks: Ticks, order: NDArray[np.intp], starts: NDArray[np.intp]) -> Rows:
    ends = np.append(starts[1:], len(order))
    lasts = order[ends - 1]
    by_seq = np.argsort(lasts)
    starts, lasts, counts = starts[by_seq], lasts[by_seq], (ends - starts)[by_seq]
    values, volumes = ticks.values[order], ticks.volumes[order]
    # reduceat wants its starts ascending, hence before the reordering.
    ascending = np.sort(starts)
    high = np.maximum.reduceat(values, ascending)[by_seq]
    low = np.minimum.reduceat(values, ascending)[by_seq]
    has_volume = ~np.isnan(volumes)
    volume = np.full(len(starts), np.nan)
    if has_volume.any():
        sums = np.add.reduceat(np.where(has_volume, volumes, 0.0), ascending)[by_seq]
        volume = np.where(np.logical_or.reduceat(has_volume, ascending)[by_seq], sums, np.nan)
    texts = {}
    if ticks.texts:
        places = {int(row): place for place, row in enumerate(lasts)}
        texts = {places[row]: text for row, text in ticks.texts.items()}
    merged = Ticks(ticks.series[lasts], ticks.times[lasts], ticks.values[lasts], volume, texts)
    return Rows(merged, counts, values[starts], high, low)
