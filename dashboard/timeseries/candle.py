"""Turns rows into candles: open, high, low, close, volume and count of the ticks in each bucket of time."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.timeseries.conflate import Rows


@dataclass(slots=True)
class Candle:
    """One bucket of a series; `start` in milliseconds since 1970 UTC. Open and close go by seq, the bucket by time."""

    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    count: int


def fold(candles: dict[tuple[int, int], Candle], rows: Rows, resolution: int) -> None:
    """Folds rows into `candles`, keyed by (series, start); `resolution` in milliseconds.

    Rows must come in the order of seq. Texts have no candle.
    """
    ticks = rows.ticks
    for place in range(len(rows)):
        if place in ticks.texts:
            continue
        value = float(ticks.values[place])
        count = 1 if rows.counts is None else int(rows.counts[place])
        open_, high, low = (
            (value, value, value)
            if rows.open is None or rows.high is None or rows.low is None
            else (float(rows.open[place]), float(rows.high[place]), float(rows.low[place]))
        )
        volume = float(ticks.volumes[place])
        start = int(ticks.times[place]) // resolution * resolution
        key = (int(ticks.series[place]), start)
        candle = candles.get(key)
        if candle is None:
            candle = candles[key] = Candle(start, open_, high, low, value, 0.0, 0)
        candle.high, candle.low, candle.close = max(candle.high, high), min(candle.low, low), value
        candle.volume += 0.0 if volume != volume else volume
        candle.count += count
