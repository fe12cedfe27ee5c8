"""Holds ticks as columns: what a feed gives, what the log keeps and what a viewer gets, without an object per tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# The id of no series: a row with it stands for a tick that was lost before it came into the log.
LOST = 0
# A text value has this many bytes of UTF-8 at most.
TEXT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks of one source in the order in which they happened.

    All columns have the same length. `series` are ids (uint32), `times` milliseconds since 1970 UTC (int64),
    `values` float64 with NaN where the tick carries text, `volumes` float64 with NaN where it has none.
    `texts` maps a row's index to its text.
    """

    series: NDArray[np.uint32]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    volumes: NDArray[np.float64]
    texts: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.series)

    @classmethod
    def empty(cls) -> Ticks:
        return cls(np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0), np.empty(0))

    @classmethod
    def lost(cls, count: int, time: int) -> Ticks:
        """Returns rows that stand for `count` lost ticks; `time` in milliseconds."""
        nothing = np.full(count, np.nan)
        return cls(np.full(count, LOST, np.uint32), np.full(count, time, np.int64), nothing, nothing)

    @classmethod
    def of(
        cls,
        series: list[int],
        times: list[int],
        values: list[float | str],
        volumes: list[float | None] | None = None,
    ) -> Ticks:
        """Builds ticks from plain lists; a string among `values` is a text."""
        texts = {row: value for row, value in enumerate(values) if isinstance(value, str)}
        numbers = [np.nan if isinstance(value, str) else value for value in values] if texts else values
        given = [np.nan] * len(series) if volumes is None else [np.nan if q is None else q for q in volumes]
        return cls(
            np.array(series, np.uint32),
            np.array(times, np.int64),
            np.array(numbers, np.float64),
            np.array(given, np.float64),
            texts,
        )

    def where(self, mask: NDArray[np.bool_]) -> Ticks:
        """Returns the rows for which `mask` is true, in the same order."""
        texts = {}
        if self.texts:
            places = np.cumsum(mask) - 1
            texts = {int(places[row]): text for row, text in self.texts.items() if mask[row]}
        return Ticks(self.series[mask], self.times[mask], self.values[mask], self.volumes[mask], texts)

    def cut(self, start: int, end: int) -> Ticks:
        """Returns rows start..end-1, sharing memory."""
        texts = {row - start: text for row, text in self.texts.items() if start <= row < end}
        return Ticks(
            self.series[start:end], self.times[start:end], self.values[start:end], self.volumes[start:end], texts
        )

    @classmethod
    def join(cls, parts: list[Ticks]) -> Ticks:
        """Returns the parts one after another."""
        if not parts:
            return cls.empty()
        if len(parts) == 1:
            return parts[0]
        texts: dict[int, str] = {}
        start = 0
        for part in parts:
            texts.update({start + row: text for row, text in part.texts.items()})
            start += len(part)
        return cls(
            np.concatenate([part.series for part in parts]),
            np.concatenate([part.times for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.volumes for part in parts]),
            texts,
        )
