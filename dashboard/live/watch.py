"""Holds what a viewer looks at: series of sources, the same object for all who look at the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np

from dashboard.timeseries.tick import Ticks


@dataclass(frozen=True, slots=True)
class Interest:
    """What one subscription wants of one source; `window` in seconds of backfill, thinned to about `points` rows."""

    source: int
    series: frozenset[int]
    window: float
    points: int


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Watch:
    """What all subscriptions of a viewer want together, by source. Equal watches are one object: compare with `is`."""

    interests: Mapping[int, Interest]

    @classmethod
    def of(cls, interests: Iterable[Interest]) -> Watch:
        """Unites interests in the same source: all series, the longest window, the most points."""
        united: dict[int, Interest] = {}
        for new in interests:
            old = united.get(new.source, new)
            united[new.source] = Interest(
                new.source, old.series | new.series, max(old.window, new.window), max(old.points, new.points)
            )
        key = tuple(united[source] for source in sorted(united))
        watch = _watches.get(key)
        if watch is None:
            watch = _watches[key] = cls({interest.source: interest for interest in key})
        return watch


_watches: WeakValueDictionary[tuple[Interest, ...], Watch] = WeakValueDictionary()


class Sieve:
    """Picks the ticks of some series out of a source's ticks, in two array operations."""

    __slots__ = ("_wanted",)

    def __init__(self, series: frozenset[int]) -> None:
        self._wanted = np.zeros(max(series, default=0) + 2, np.bool_)
        self._wanted[list(series)] = True

    def pick(self, ticks: Ticks) -> Ticks:
        mask = self._wanted[np.minimum(ticks.series, len(self._wanted) - 1)]
        return ticks if mask.all() else ticks.where(mask)
