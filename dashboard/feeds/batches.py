"""Puts small batches together: a feed that hears of one thing at a time gives what came in the meantime at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.feeds.base import FeedBatch

# A sign of life: nothing has happened, and the source can be reached.
NOTHING = FeedBatch([], [])


def join(batches: Sequence[FeedBatch], now: int) -> FeedBatch:
    """Returns the rows of all, in order; those without a time have come `now` (milliseconds since 1970 UTC)."""
    if len(batches) == 1:
        return batches[0]
    rows = [len(batch.keys) for batch in batches]
    return FeedBatch(
        [key for batch in batches for key in batch.keys],
        [value for batch in batches for value in batch.values],
        [time for batch, size in zip(batches, rows, strict=True) for time in _column(batch.times, now, size)],
        [volume for batch, size in zip(batches, rows, strict=True) for volume in _column(batch.volumes, None, size)],
        lost=sum(batch.lost for batch in batches),
        refused=[row for batch in batches for row in batch.refused],
        series=[series for batch in batches for series in batch.series],
    )


def _column(column: Any, otherwise: object, size: int) -> Any:
    return [otherwise] * size if column is None else column
