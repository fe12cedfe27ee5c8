"""Turns a seed into the prices and volumes of a market, step by step, without a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.feeds.kinds._instruments import Instrument

# Seconds of trading in a year: 252 days of 6.5 hours. It scales a year's volatility down to a step.
_YEAR = 252 * 6.5 * 3600
# Prices are drawn back to where they began, half way in so many seconds: a market that runs for months stays sensible.
_HALF_LIFE = 6 * 3600.0
# How uneven volumes are (sigma of their logarithm).
_VOLUME_SPREAD = 0.8


@dataclass(frozen=True, slots=True)
class Trades:
    """Ticks of one step in order of time: places of instruments, seconds since the market began, prices, volumes."""

    places: NDArray[np.int64]
    seconds: NDArray[np.float64]
    prices: NDArray[np.float64]
    volumes: NDArray[np.float64]


class Market:
    """Moves prices by correlated geometric Brownian motion with jumps.

    After its opening each instrument trades once in each period of 1/rate seconds, at a random moment in the first
    half of it, and the periods of instruments are shifted against each other: arrivals look irregular, the mean rate
    is exact. All prices move in every step; a trade shows the price of its step, rounded to the tick size. The same
    arguments give the same trades.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        rate: float,
        seed: int | None,
        volatility: float = 1.0,
        correlation: float = 0.3,
        jump: float = 0.0,
        jump_size: float = 0.0,
        volume: float = 0.0,
    ) -> None:
        count = len(instruments)
        self._random = np.random.default_rng(seed)
        self._period = 1.0 / rate
        # Half a period at most: then no instrument trades twice in a step.
        self.step_seconds = min(0.05, self._period / 2)
        self._tick_sizes = np.array([instrument.tick_size for instrument in instruments])
        self._decimals = np.array([instrument.decimals for instrument in instruments])
        self._start = np.log([instrument.price for instrument in instruments])
        self._drift = np.zeros(count)
        yearly = np.array([instrument.volatility for instrument in instruments]) * volatility
        self._sigma = yearly * np.sqrt(self.step_seconds / _YEAR)
        self._pull = 1 - 0.5 ** (self.step_seconds / _HALF_LIFE)
        self._common, self._own = np.sqrt(correlation), np.sqrt(1 - correlation)
        self._jump, self._jump_size = jump, jump_size
        self._volume = volume
        self._steps = 0
        # The first trade comes soon, and the second no later than one and a half periods after it.
        self._periods = self._random.random(count) * -self._period / 2
        self._next = self._random.random(count) * min(self._period / 2, 1.0)

    @property
    def seconds(self) -> float:
        """How long the market has run, in its own time."""
        return self._steps * self.step_seconds

    def step(self) -> Trades:
        """Moves the market by `step_seconds` and returns the trades in it, often of a part of the instruments."""
        self._steps += 1
        count = len(self._drift)
        noise = self._common * self._random.standard_normal() + self._own * self._random.standard_normal(count)
        self._drift += self._sigma * noise - 0.5 * self._sigma**2 - self._pull * self._drift
        due = np.flatnonzero(self._next <= self.seconds)
        due = due[np.argsort(self._next[due], kind="stable")]
        seconds = self._next[due]
        self._plan(due)
        self._leap(due)
        return Trades(due, seconds, self._prices(due), self._volumes(len(due)))

    def _plan(self, places: NDArray[np.int64]) -> None:
        """Draws the next moments of trade of some instruments."""
        self._periods[places] += self._period
        self._next[places] = self._periods[places] + self._random.random(len(places)) * self._period / 2

    def _leap(self, places: NDArray[np.int64]) -> None:
        if self._jump:
            leaps = self._random.random(len(places)) < self._jump
            self._drift[places] += leaps * self._random.standard_normal(len(places)) * self._jump_size

    def _prices(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        sizes = self._tick_sizes[places]
        prices: NDArray[np.float64] = np.exp(self._start[places] + self._drift[places])
        prices = np.maximum(1.0, np.rint(prices / sizes)) * sizes
        # A multiple of 0.1 is not yet a number of one decimal: 3 x 0.1 is 0.30000000000000004.
        decimals = self._decimals[places]
        for digits in np.unique(decimals):
            prices = np.where(decimals == digits, np.round(prices, int(digits)), prices)
        return prices

    def _volumes(self, number: int) -> NDArray[np.float64]:
        if not self._volume:
            return np.zeros(0)
        # A log-normal number whose mean is `volume`.
        sizes = np.exp(self._random.standard_normal(number) * _VOLUME_SPREAD - _VOLUME_SPREAD**2 / 2) * self._volume
        whole: NDArray[np.float64] = np.maximum(1.0, np.rint(sizes))
        return whole
