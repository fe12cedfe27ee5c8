"""Runs a simulated market: instruments whose prices move as if they were traded."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from math import floor, log10
from typing import Annotated, Any

import numpy as np
from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from dashboard.feeds.base import KEY_CHARACTERS, Feed, FeedBatch, FeedConfig, SeriesSpec
from dashboard.feeds.kinds._instruments import Instrument, first, lookup
from dashboard.feeds.kinds._market import Market, Trades
from dashboard.feeds.schedule import Schedule

MOST_SYMBOLS = 500
# Seconds between two batches at most, and a stall beyond which the market skips instead of catching up.
_BATCH = 0.05
_STALL = 0.5
# Seconds by which the wall clock may leave the market's own time before that is set anew.
_CLOCK_STEP = 0.25


class Symbol(FeedConfig):
    """An instrument of one's own; what is left out is taken from the built-in list or made up."""

    key: str = Field(min_length=1, max_length=KEY_CHARACTERS)
    label: str = Field("", max_length=KEY_CHARACTERS)
    unit: str = Field("", max_length=30)
    price: float | None = Field(None, gt=0, le=1e9, description="Where the price begins.")
    decimals: int | None = Field(None, ge=0, le=8)
    tick_size: float | None = Field(None, gt=0, le=1e6, description="The least step of the price.")
    volatility: float | None = Field(None, ge=0, le=5, description="A year's, as a fraction: 0.3 is 30 %.")

    @model_validator(mode="before")
    @classmethod
    def _read_name(cls, symbol: Any) -> Any:
        if not isinstance(symbol, str | dict):
            raise ValueError("give a name, or an object with a key")
        return {"key": symbol} if isinstance(symbol, str) else symbol

    def instrument(self) -> Instrument:
        base = lookup(self.key)
        decimals, tick_size = self.decimals, self.tick_size
        if decimals is None:
            decimals = base.decimals if tick_size is None else _decimals_of(tick_size)
        if tick_size is None:
            tick_size = base.tick_size if self.decimals is None else 10.0**-decimals
        return Instrument(
            self.key,
            self.label or base.label,
            self.unit or base.unit,
            self.price or base.price,
            decimals,
            tick_size,
            base.volatility if self.volatility is None else self.volatility,
        )


def _form_of(symbols: Any) -> str:
    return "list" if isinstance(symbols, list) else "number"


# The discriminator keeps pydantic from trying both forms and complaining about both.
Symbols = Annotated[
    Annotated[int, Tag("number")] | Annotated[list[Symbol], Tag("list")],
    Discriminator(_form_of),
]


# Steps of the past that are made in one go.
_PAST_STEPS = 100


class SimulatedConfig(FeedConfig):
    symbols: Symbols = Field(
        24,
        title="Symbols",
        description="How many instruments (1 to 500), or a list of names, or of objects with key, label, price, …",
    )
    rate: float = Field(1.0, ge=0.1, le=100, title="Rate", description="Ticks a second of each instrument.")
    seed: int | None = Field(
        1, ge=0, lt=2**63, title="Seed", description="The same seed gives the same ticks; empty is different each time."
    )
    volatility: float = Field(
        1.0, ge=0, le=100, title="Volatility", description="Multiplies each instrument's own; 1 is realistic."
    )
    correlation: float = Field(
        0.3, ge=0, le=1, title="Correlation", description="Of any two instruments: 0 moves each alone, 1 all as one."
    )
    jump: float = Field(0.0002, ge=0, le=1, title="Jumps", description="The chance that a tick is a jump.")
    jump_size: float = Field(
        0.003, ge=0, le=0.5, title="Jump size", description="How far a jump goes, as a fraction of the price (sigma)."
    )
    history: float = Field(
        0.0, ge=0, le=43_200, title="History", description="Seconds of past that an empty log begins with."
    )
    volume: float = Field(
        100.0, ge=0, le=1e9, title="Volume", description="Mean volume of a tick; 0 leaves volumes out."
    )

    @field_validator("symbols", mode="before")
    @classmethod
    def _read_symbols(cls, symbols: Any) -> Any:
        if isinstance(symbols, bool) or not isinstance(symbols, int | list):
            raise ValueError("give a number from 1 to 500, or a list of names or of objects with a key")
        number = symbols if isinstance(symbols, int) else len(symbols)
        if not 1 <= number <= MOST_SYMBOLS:
            raise ValueError(f"from 1 to {MOST_SYMBOLS} instruments can be simulated")
        return symbols

    @model_validator(mode="after")
    def _keys_once(self) -> SimulatedConfig:
        key, times = Counter(instrument.key for instrument in self.instruments()).most_common(1)[0]
        if times > 1:
            raise ValueError(f"symbols: {key} is there {times} times")
        return self

    def instruments(self) -> list[Instrument]:
        if isinstance(self.symbols, int):
            return first(self.symbols)
        return [symbol.instrument() for symbol in self.symbols]


class SimulatedFeed(Feed[SimulatedConfig]):
    kind = "simulated"
    label = "Simulated market"
    Config = SimulatedConfig

    def series(self) -> Sequence[SeriesSpec]:
        return [SeriesSpec(it.key, it.label, it.unit, it.decimals) for it in self.config.instruments()]

    def __init__(self, config: SimulatedConfig) -> None:
        super().__init__(config)
        self._market = _market(config)
        self._keys = np.array([instrument.key for instrument in config.instruments()], object)

    async def past(self) -> AsyncIterator[FeedBatch]:
        """Yields the trades of `history` seconds before now, so that a new chart is not empty.

        Now is when it ends, not when it began: between the past and the present nothing is missing.
        """
        if not self.config.history:
            return
        market, began = self._market, time.monotonic()
        begin = time.time() - self.config.history
        while market.seconds < self.config.history + time.monotonic() - began:
            trades = [market.step() for _ in range(_PAST_STEPS)]
            if any(len(trade.places) for trade in trades):
                yield _batch(trades, self._keys, begin, bool(self.config.volume))

    async def run(self) -> AsyncIterator[FeedBatch]:
        """Yields the trades of each step when it is over; their times lie in the step."""
        market, keys = self._market, self._keys
        steps_a_batch = max(1, round(_BATCH / market.step_seconds))
        period = steps_a_batch * market.step_seconds
        schedule = Schedule(time.monotonic(), period, _STALL)
        origin = _Origin()
        while True:
            await asyncio.sleep(schedule.wait(time.monotonic()))
            due, due_at = schedule.take(time.monotonic())
            begin = origin.at(due_at - period - market.seconds)
            trades = [market.step() for _ in range(due * steps_a_batch)]
            if any(len(trade.places) for trade in trades):
                yield _batch(trades, keys, begin, bool(self.config.volume))


class _Origin:
    """Says when, on the wall clock, the market's time was 0."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def at(self, monotonic: float) -> float:
        offset = time.time() - time.monotonic()
        # The clocks differ by fractions of a millisecond from one reading to the next; only a step counts.
        if abs(offset - self._offset) > _CLOCK_STEP:
            self._offset = offset
        return monotonic + self._offset


def _market(config: SimulatedConfig) -> Market:
    return Market(
        config.instruments(),
        rate=config.rate,
        seed=config.seed,
        volatility=config.volatility,
        correlation=config.correlation,
        jump=config.jump,
        jump_size=config.jump_size,
        volume=config.volume,
    )


def _batch(trades: Sequence[Trades], keys: np.ndarray[Any, Any], begin: float, volumes: bool) -> FeedBatch:
    places = np.concatenate([trade.places for trade in trades])
    seconds = np.concatenate([trade.seconds for trade in trades])
    return FeedBatch(
        keys[places].tolist(),
        np.concatenate([trade.prices for trade in trades]),
        ((begin + seconds) * 1000).astype(np.int64),
        np.concatenate([trade.volumes for trade in trades]) if volumes else None,
    )


def _decimals_of(tick_size: float) -> int:
    """Returns how many decimals a multiple of a tick size has: 0.25 has two."""
    text = f"{tick_size:.8f}".rstrip("0")
    return max(len(text.partition(".")[2]), max(0, -floor(log10(tick_size))))
