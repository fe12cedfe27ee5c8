"""Turns batches of a feed into ticks, refusing bad rows one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.feeds.base import FeedBatch
from dashboard.feeds.limits import Limits
from dashboard.feeds.roster import Roster, is_key, is_storable
from dashboard.feeds.tally import Tally
from dashboard.feeds.words import span
from dashboard.timeseries.tick import Ticks

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Of a key that is given as an example.
_EXAMPLE_CHARACTERS = 60
# Types that numpy takes as numbers as they are. Strings must not get there: it would read "1.5" as a number.
_NUMBERS = frozenset({float, int, bool, np.float64, np.float32, np.int64, np.int32})
# Why a row is refused whose key is neither known nor admitted.
UNKNOWN = "unknown series"
# 2^53: beyond it a float64 is no longer exact to the millisecond.
_LAST_TIME = 2.0**53


@dataclass(slots=True)
class Draft:
    """A batch on its way: `fine` marks the rows that were not refused, `tally` counts the others."""

    keys: list[str]
    values: Column
    texts: dict[int, str]
    times: Column
    volumes: Column
    fine: Mask
    tally: Tally = field(default_factory=Tally)

    def refuse(self, bad: Mask, reason: str) -> None:
        """Refuses the rows of a mask that were fine so far."""
        bad = bad & self.fine
        number = int(np.count_nonzero(bad))
        if number:
            self.fine &= ~bad
            self.tally.add(reason, number, str(self.keys[int(bad.argmax())])[:_EXAMPLE_CHARACTERS])

    def newcomers(self, places: NDArray[np.int64]) -> dict[str, bool]:
        """Returns the keys of the fine rows that have no place, and whether they carry text."""
        return {self.keys[row]: row in self.texts for row in np.flatnonzero((places < 0) & self.fine).tolist()}


def parts(batch: FeedBatch, rows: int) -> Iterator[FeedBatch]:
    """Cuts a batch into batches of at most `rows` rows; one whose columns do not fit together stays whole."""
    total = len(batch.keys)
    if total <= rows or mismatch(batch):
        yield batch
        return
    for start in range(0, total, rows):
        piece = slice(start, start + rows)
        yield FeedBatch(
            batch.keys[piece],
            batch.values[piece],
            None if batch.times is None else batch.times[piece],
            None if batch.volumes is None else batch.volumes[piece],
        )


def mismatch(batch: FeedBatch) -> int:
    """Returns 0 when the columns are of equal length, else the length of the longest: so many rows are lost."""
    columns: list[Any] = [batch.keys, batch.values, batch.times, batch.volumes]
    lengths = {len(column) for column in columns if column is not None}
    return max(lengths) if len(lengths) > 1 else 0


def sift(batch: FeedBatch, now: int, limits: Limits) -> Draft:
    """Checks values, texts, times and volumes. `now` is in milliseconds since 1970 UTC.

    The columns are of equal length (see `mismatch`).
    """
    values, texts = _numbers(batch.values)
    total = len(values)
    times = np.full(total, float(now)) if batch.times is None else _numbers(batch.times)[0]
    volumes, absent = _volumes(batch.volumes, total)
    draft = Draft(_keys(batch), values, texts, times, volumes, np.ones(total, np.bool_))
    draft.refuse(_bad_keys(draft.keys), "a key must be text of 1 to 200 characters")
    _sift_texts(draft, limits.text_bytes)
    draft.refuse(~np.isfinite(values) & ~_rows(texts, total), "not a finite number")
    _sift_times(draft, now, limits)
    draft.refuse(~absent & ~(np.isfinite(volumes) & (volumes >= 0)), "the volume is not a number of 0 or more")
    return draft


def sift_types(draft: Draft, places: NDArray[np.int64], roster: Roster) -> None:
    """Refuses texts of series that hold numbers, and the other way round."""
    if not len(roster.ids):
        return
    known, at = places >= 0, np.maximum(places, 0)
    text = _rows(draft.texts, len(places))
    draft.refuse(known & text & ~roster.text[at], "text where a number is expected")
    draft.refuse(known & ~text & roster.text[at], "a number where text is expected")


def settle(draft: Draft, places: NDArray[np.int64], roster: Roster) -> Ticks:
    """Returns the fine rows of known series as ticks, rounded to the decimals of each series."""
    draft.refuse(places < 0, UNKNOWN)
    sift_types(draft, places, roster)
    rows = np.flatnonzero(draft.fine)
    kept = places[rows]
    texts = {}
    if draft.texts:
        order = np.cumsum(draft.fine) - 1
        texts = {int(order[row]): text for row, text in draft.texts.items() if draft.fine[row]}
    return Ticks(
        roster.ids[kept],
        draft.times[rows].astype(np.int64),
        _rounded(draft.values[rows], roster.decimals[kept]),
        draft.volumes[rows],
        texts,
    )


def _rounded(values: Column, decimals: NDArray[np.int64]) -> Column:
    result = values
    for places in np.unique(decimals):
        if places < 0:
            continue
        # A number near the end of the range has no decimals to round, and scaling it would overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = np.round(values, int(places))
        result = np.where((decimals == places) & np.isfinite(rounded), rounded, result)
    return result


def _sift_texts(draft: Draft, text_bytes: int) -> None:
    total = len(draft.fine)
    # Four bytes a character at most: most texts are known to be short enough, or too long, without encoding.
    long = {row for row, text in draft.texts.items() if len(text) > text_bytes}
    odd = {row for row, text in draft.texts.items() if row not in long and not is_storable(text)}
    long |= {
        row
        for row, text in draft.texts.items()
        if 4 * len(text) > text_bytes and row not in odd and row not in long and len(text.encode()) > text_bytes
    }
    draft.refuse(_rows(long, total), f"text longer than {text_bytes:,} bytes")
    draft.refuse(_rows(odd, total), "text that cannot be stored")


def _sift_times(draft: Draft, now: int, limits: Limits) -> None:
    times = draft.times
    draft.refuse(~np.isfinite(times) | (np.abs(times) >= _LAST_TIME), "the time is not a number of milliseconds")
    draft.refuse(times < now - limits.max_age * 1000, f"older than {span(limits.max_age)}")
    draft.refuse(times > now + limits.max_ahead * 1000, f"more than {span(limits.max_ahead)} ahead of the clock")


def _keys(batch: FeedBatch) -> list[str]:
    return batch.keys if isinstance(batch.keys, list) else list(batch.keys)


def _bad_keys(keys: list[str]) -> Mask:
    # ASCII of a sane length is nearly every key, and is known to be good without encoding it.
    good = [
        (type(key) is str and 0 < len(key) <= 200 and key.isascii() and key.isprintable()) or is_key(key)
        for key in keys
    ]
    return ~np.array(good, np.bool_)


def _numbers(column: Any) -> tuple[Column, dict[int, str]]:
    """Returns a column as floats, NaN where there is no number, and its texts by row."""
    if isinstance(column, np.ndarray):
        if column.ndim == 1 and column.dtype.kind in "fiu":
            return column.astype(np.float64), {}
        column = column.tolist()
    if set(map(type, column)) <= _NUMBERS:
        try:
            return np.array(column, np.float64), {}
        except OverflowError:  # an int of hundreds of digits: find its row
            pass
    texts = {row: value for row, value in enumerate(column) if isinstance(value, str)}
    return np.array([_number(value) for value in column], np.float64), texts


def _number(value: object) -> float:
    if value is None or isinstance(value, str | bytes | bytearray):
        return np.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _volumes(column: Any, total: int) -> tuple[Column, Mask]:
    """Returns the volumes, NaN where there is none, and a mask of those rows."""
    if column is None:
        return np.full(total, np.nan), np.ones(total, np.bool_)
    if isinstance(column, np.ndarray):
        return _numbers(column)[0], np.zeros(total, np.bool_)
    absent = np.array([volume is None for volume in column], np.bool_)
    return _numbers(column)[0], absent


def _rows(rows: Any, total: int) -> Mask:
    mask = np.zeros(total, np.bool_)
    if rows:
        mask[list(rows)] = True
    return mask
