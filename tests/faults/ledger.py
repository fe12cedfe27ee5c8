"""A kind of source for the fault tests: every series counts 1, 2, 3, …: a lost or repeated value shows by itself.

It behaves like a source that is read from a position (a stream, a queue): what the worker has taken is noted in a
file, and whoever runs it next goes on after that. A number that is missing in the log was therefore lost on our side.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np

from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, SeriesSpec

PERIOD = 0.05
# Numbers of one batch at most, when there is something to catch up with.
MOST = 2000


class LedgerConfig(FeedConfig):
    # Where the position is kept between two owners.
    place: str
    # Milliseconds since 1970 at which number 0 was born.
    origin: int
    rate: float = 100.0
    series: int = 1


class LedgerFeed(Feed[LedgerConfig]):
    kind = "ledger"
    label = "Ledger"
    Config = LedgerConfig

    def series(self) -> Sequence[SeriesSpec]:
        return [SeriesSpec(f"n{number}", decimals=0) for number in range(self.config.series)]

    async def run(self) -> AsyncIterator[FeedBatch]:
        keys = [spec.key for spec in self.series()]
        place = _Place(Path(self.config.place))
        at = place.read()
        while True:
            due = int((time.time() * 1000 - self.config.origin) * self.config.rate / 1000)
            if due > at:
                numbers = np.arange(at + 1, min(due, at + MOST) + 1)
                births = self.config.origin + numbers * 1000 / self.config.rate
                yield FeedBatch(
                    keys * len(numbers),
                    np.repeat(numbers, len(keys)).astype(np.float64),
                    np.repeat(births, len(keys)).astype(np.int64),
                )
                at = int(numbers[-1])
                place.write(at)
            await asyncio.sleep(PERIOD if at >= due else 0)


class _Place:
    """A number in a file, which only grows: an owner that was overtaken does not turn it back."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT)

    def read(self) -> int:
        return int(os.pread(self._file, 16, 0) or b"0")

    def write(self, number: int) -> None:
        if number > self.read():
            os.pwrite(self._file, b"%016d" % number, 0)

    def __del__(self) -> None:
        os.close(self._file)
