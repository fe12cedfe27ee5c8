"""Turns batches of a feed into ticks of the series that are known, or admitted as they come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from dashboard.feeds.base import FeedBatch, SeriesInfo, SeriesSpec, SourceSpec
from dashboard.feeds.health import Instant
from dashboard.feeds.intake import UNKNOWN, settle, sift
from dashboard.feeds.limits import Limits
from dashboard.feeds.roster import Roster
from dashboard.feeds.tally import Tally
from dashboard.feeds.words import plain
from dashboard.timeseries.tick import Ticks

logger = logging.getLogger(__name__)

Admit = Callable[[int, Sequence[SeriesSpec]], Awaitable[Mapping[str, SeriesInfo]]]


class Gate:
    """Lets the ticks of one source in. `admit(source, specs)` returns those of the asked series that it admitted."""

    def __init__(self, spec: SourceSpec, admit: Admit, limits: Limits) -> None:
        self._source = spec.id
        self._slug = spec.slug
        self._ask = admit
        self._limits = limits
        self._roster = Roster(spec.series, spec.max_series, limits)
        # Why the last admission failed, empty when it did not.
        self._error = ""

    def update(self, series: Mapping[str, SeriesInfo]) -> None:
        self._roster.update(series)

    async def declare(self, specs: Sequence[SeriesSpec], now: Instant) -> None:
        """Has the series admitted that a feed knows before its first tick."""
        self._roster.declare(specs)
        await self._admit(self._roster.undeclared(now.steady))

    def describe(self, specs: Sequence[SeriesSpec]) -> None:
        """Notes what series are that the feed has come to know."""
        self._roster.describe(specs)

    async def let_in(self, batch: FeedBatch, now: Instant) -> tuple[Ticks, Tally]:
        """Returns the good rows of a batch, whose columns are of equal length, and counts the others."""
        draft = sift(batch, now.wall, self._limits)
        places = self._roster.places(draft.keys)
        newcomers = draft.newcomers(places)
        if newcomers:
            await self._admit(self._roster.wanted(newcomers, now.steady))
            self._roster.turn_away(newcomers, now.steady, why=self._error)
            # The roster may have changed while it was asked.
            places = self._roster.places(draft.keys)
        ticks = settle(draft, places, self._roster)
        if newcomers:
            draft.tally.explain(UNKNOWN, self._roster.complaint())
        return ticks, draft.tally

    async def _admit(self, specs: Sequence[SeriesSpec]) -> None:
        if not specs:
            return
        try:
            async with asyncio.timeout(self._limits.admit):
                self._roster.admit(await self._ask(self._source, specs))
            self._error = ""
        except Exception as error:
            # The known series go on; these keys are refused, with this reason in the state, and asked about again.
            if not self._error:
                logger.exception("source %s: series cannot be admitted", self._slug, extra={"source": self._slug})
            self._error = plain(error)
