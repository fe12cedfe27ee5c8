from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from dashboard.feeds import registry
from dashboard.feeds.base import FeedBatch
from dashboard.feeds.kinds import simulated
from dashboard.feeds.kinds._instruments import KNOWN, first, lookup
from dashboard.feeds.kinds._market import Market
from dashboard.feeds.kinds.simulated import SimulatedConfig, SimulatedFeed
from dashboard.feeds.registry import BadConfig, validated


def market(number: int = 20, **options: Any) -> Market:
    return Market(first(number), **{"rate": 5.0, "seed": 7, "volume": 100.0, **options})


def rows(one: Market, seconds: float) -> list[tuple[int, float, float, float]]:
    trades = [one.step() for _ in range(round(seconds / one.step_seconds))]
    return [
        row
        for trade in trades
        for row in zip(
            trade.places.tolist(),
            trade.seconds.tolist(),
            trade.prices.tolist(),
            trade.volumes.tolist(),
            strict=True,
        )
    ]


def config(**fields: Any) -> SimulatedConfig:
    return SimulatedConfig.model_validate(fields)


def test_the_same_seed_gives_the_same_ticks_and_another_others() -> None:
    one, same, other = (rows(market(seed=seed), 20) for seed in (7, 7, 8))
    assert one == same
    assert one != other
    assert len(one) > 1500


def test_no_seed_is_different_each_time() -> None:
    assert rows(market(seed=None), 5) != rows(market(seed=None), 5)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 7.3, 10.0, 33.0, 100.0])
def test_the_mean_rate_is_exact_for_each_instrument(rate: float) -> None:
    seconds = max(60.0, 20 / rate)
    counts = Counter(place for place, *_ in rows(market(10, rate=rate), seconds))
    for place in range(10):
        assert abs(counts[place] - seconds * rate) <= 1.5, place


def test_every_instrument_ticks_in_the_first_second() -> None:
    for rate in (0.1, 1.0, 50.0):
        assert {place for place, *_ in rows(market(50, rate=rate), 1.0)} == set(range(50))


def test_gaps_are_irregular_and_never_longer_than_one_and_a_half_periods() -> None:
    moments = [seconds for place, seconds, *_ in rows(market(5, rate=2.0), 200) if place == 3]
    gaps = np.diff(moments)[1:]
    assert 0.25 <= gaps.min() < 0.35
    assert 0.65 < gaps.max() <= 0.75 + 1e-9


def test_ticks_come_in_order_of_time_and_spread_over_the_period() -> None:
    ticks = rows(market(100, rate=1.0), 20)
    moments = np.array([seconds for _, seconds, *_ in ticks])
    assert (np.diff(moments) >= 0).all()
    a_tenth = np.histogram(moments[moments > 5], bins=np.arange(5, 20, 0.1))[0]
    assert a_tenth.max() < 40


def log_returns(**options: Any) -> np.ndarray[Any, Any]:
    """Log returns of two instruments over quarter seconds, many at once thanks to great volatility."""
    one = Market([lookup("BTC/USD"), lookup("ETH/USD")], rate=4.0, seed=3, volatility=20.0, **options)
    paths = []
    for step in range(40_000):
        one.step()
        if step % 5 == 0:
            paths.append(one._drift.copy())
    return np.diff(np.array(paths), axis=0)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_returns_are_correlated_as_configured(correlation: float) -> None:
    found = np.corrcoef(log_returns(correlation=correlation).T)[0, 1]
    assert found == pytest.approx(correlation, abs=0.05)


def test_volatility_is_that_of_the_instrument() -> None:
    a_year = 252 * 6.5 * 3600
    deviation = log_returns(correlation=0.0).std(axis=0)
    expected = np.array([0.60, 0.70]) * 20 * np.sqrt(0.25 / a_year)
    assert deviation == pytest.approx(expected, rel=0.05)


def test_jumps_happen_as_often_as_configured() -> None:
    one = market(50, volatility=0.0, jump=0.01, jump_size=0.05, rate=10.0)
    ticks = rows(one, 60)
    last: dict[int, float] = {}
    jumps = 0
    for place, _, price, _ in ticks:
        jumps += abs(price / last.get(place, price) - 1) > 0.002
        last[place] = price
    assert 0.006 < jumps / len(ticks) < 0.012


def test_without_volatility_and_jumps_nothing_moves() -> None:
    prices = {(place, price) for place, _, price, _ in rows(market(10, volatility=0.0), 20)}
    assert len(prices) == 10


def test_prices_are_multiples_of_the_tick_size_without_a_tail_of_digits() -> None:
    instruments = first(60)
    for place, _, price, _ in rows(market(60, volatility=20.0), 20):
        size = instruments[place].tick_size
        assert abs(price / size - round(price / size)) < 1e-6
        assert price == round(price, instruments[place].decimals)
        assert price > 0


def test_a_price_never_falls_below_one_tick() -> None:
    penny = config(symbols=[{"key": "PENNY", "price": 0.02, "decimals": 2, "volatility": 5}]).instruments()
    ticks = rows(Market(penny, rate=50.0, seed=1, volatility=100.0, volume=1.0), 60)
    assert min(price for _, _, price, _ in ticks) == 0.01


def test_prices_stay_sensible_for_weeks() -> None:
    one = Market(first(5), rate=0.1, seed=1, volatility=10.0)
    one._sigma *= np.sqrt(100.0)
    one._pull = 1 - (1 - one._pull) ** 100
    furthest = np.zeros(5)
    for _ in range(60_000):  # three days in steps of five seconds
        one.step()
        furthest = np.maximum(furthest, np.abs(one._drift))
    assert (furthest < 1.3).all(), furthest


def test_volumes_are_whole_and_average_as_configured() -> None:
    volumes = np.array([volume for *_, volume in rows(market(50, volume=100.0), 60)])
    assert (volumes >= 1).all()
    assert (volumes == np.rint(volumes)).all()
    assert volumes.mean() == pytest.approx(100, rel=0.05)


def test_there_are_thirty_real_instruments_and_as_many_made_up_ones_as_wanted() -> None:
    instruments = first(500)
    assert len(KNOWN) >= 30
    assert len({it.key for it in instruments}) == len({it.label for it in instruments}) == 500
    assert {"AAPL", "MSFT", "NVDA", "ES", "EUR/USD", "BTC/USD"} <= {it.key for it in first(24)}
    for it in instruments:
        assert it.price == pytest.approx(round(it.price / it.tick_size) * it.tick_size), it.key
        assert round(it.tick_size, it.decimals) == it.tick_size, it.key
        assert it.unit


def test_a_name_of_ones_own_always_has_the_same_price() -> None:
    assert lookup("TICKWALL") == lookup("TICKWALL")
    assert 10 <= lookup("TICKWALL").price <= 300


def test_symbols_may_be_names_or_objects() -> None:
    apple, own, half = config(
        symbols=[
            "AAPL",
            {"key": "OWN", "label": "Own", "price": 12, "unit": "EUR", "decimals": 3},
            {"key": "H", "tick_size": 0.5},
        ]
    ).instruments()
    assert apple.label == "Apple"
    assert (own.label, own.unit, own.price, own.decimals, own.tick_size) == ("Own", "EUR", 12, 3, 0.001)
    assert (half.tick_size, half.decimals) == (0.5, 1)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"symbols": 0}, "symbols", "from 1 to 500"),
        ({"symbols": 501}, "symbols", "from 1 to 500"),
        ({"symbols": []}, "symbols", "from 1 to 500"),
        ({"symbols": "AAPL"}, "symbols", "give a number from 1 to 500, or a list"),
        ({"symbols": True}, "symbols", "give a number from 1 to 500, or a list"),
        ({"symbols": [3]}, "symbols.list.0", "give a name, or an object with a key"),
        ({"symbols": [{"key": "A", "price": 0}]}, "symbols.list.0.price", "greater than 0"),
        ({"symbols": ["A", "A"]}, "", "symbols: A is there 2 times"),
        ({"rate": 0.01}, "rate", "greater than or equal to 0.1"),
        ({"rate": 101}, "rate", "less than or equal to 100"),
        ({"rate": float("nan")}, "rate", ""),
        ({"correlation": 1.5}, "correlation", "less than or equal to 1"),
        ({"speed": 3}, "speed", "not permitted"),
    ],
)
def test_a_bad_config_is_told_on_its_field(fields: Mapping[str, Any], field: str, words: str) -> None:
    with pytest.raises(BadConfig) as caught:
        validated(registry.kind("simulated"), fields)
    [(where, sentence)] = caught.value.fields
    assert where == field
    assert words in sentence


def test_every_field_can_be_drawn_in_a_form() -> None:
    for kind in registry.kinds().values():
        for name, field in kind.Config.model_json_schema()["properties"].items():
            assert field["title"], name
            assert field["description"], name


def test_series_are_described_before_the_first_tick() -> None:
    apple, *_ = SimulatedFeed(config(symbols=3)).series()
    assert (apple.key, apple.label, apple.unit, apple.decimals, apple.text) == ("AAPL", "Apple", "USD", 2, False)


async def collect(feed: SimulatedFeed, seconds: float) -> list[FeedBatch]:
    batches: list[FeedBatch] = []

    async def gather() -> None:
        async for item in feed.run():
            batches.append(item)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await gather()
    return batches


async def test_the_feed_ticks_at_its_rate_with_times_of_now() -> None:
    began = time.time_ns() // 1_000_000
    batches = await collect(SimulatedFeed(config(symbols=24, rate=10)), 2.0)
    ended = time.time_ns() // 1_000_000
    times = np.concatenate([item.times for item in batches])
    assert len(times) == pytest.approx(24 * 10 * 2, rel=0.08)
    assert (np.diff(times) >= 0).all()
    assert began - 1 <= times[0] <= began + 200
    assert times[-1] <= ended
    assert all(len(item.keys) == len(item.values) == len(item.volumes) for item in batches)
    assert len(batches) <= 41


async def test_two_runs_of_one_seed_give_the_same_keys_values_and_volumes() -> None:
    def columns(batches: list[FeedBatch]) -> list[tuple[Any, ...]]:
        return [row for item in batches for row in zip(item.keys, item.values, item.volumes, strict=True)]

    feeds = [SimulatedFeed(config(symbols=10, rate=20, seed=5)) for _ in range(2)]
    one, two = (columns(found) for found in await asyncio.gather(*(collect(feed, 0.6) for feed in feeds)))
    shorter = min(len(one), len(two))
    assert shorter > 80
    assert one[:shorter] == two[:shorter]


async def test_volumes_may_be_left_out() -> None:
    [first_batch, *_] = await collect(SimulatedFeed(config(symbols=3, rate=100, volume=0)), 0.3)
    assert first_batch.volumes is None


async def test_after_a_stall_no_burst_follows() -> None:
    feed = SimulatedFeed(config(symbols=10, rate=10))
    batches = feed.run()
    async with asyncio.timeout(5):
        await anext(batches)
        await asyncio.sleep(1.0)
        late = [await anext(batches) for _ in range(4)]
    assert sum(len(item.keys) for item in late) < 40
    assert late[0].times is not None
    # What comes after the stall is of after the stall.
    assert abs(int(late[0].times[0]) - time.time() * 1000) < 400


def test_the_markets_time_follows_a_wall_clock_that_is_set_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady_time = [1000.0], [50.0]
    monkeypatch.setattr(simulated.time, "time", lambda: wall[0])
    monkeypatch.setattr(simulated.time, "monotonic", lambda: steady_time[0])
    origin = simulated._Origin()
    wall[0], steady_time[0] = 1010.1, 60.0
    assert origin.at(60.0) == 1010.0
    wall[0] = 4610.0
    assert origin.at(60.0) == 4610.0
