"""Tests that merging keeps the truth: the same candles, counts and sums as from single ticks, whatever the cuts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.timeseries.candle import Candle, fold
from dashboard.timeseries.conflate import MINUTE, SECOND, Rows, conflate, unit_for
from dashboard.timeseries.tick import Ticks

# Every length that divides a minute.
UNITS = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60]
# What `unit_for` chooses from: each divides the next, so that finer rows can always be folded into coarser ones.
LADDER = [1, 5, 15, 60]
Row = tuple[int, int, float | str, float | None]

# Times that love boundaries: around whole seconds and minutes, before and after 1970, back and forth, often equal.
times = st.one_of(
    st.builds(
        lambda whole, off: whole + off,
        st.sampled_from([0, 1000, 2000, 59_000, 60_000, 61_000, 120_000, 1_795_361_880_000]),
        st.integers(-2, 2),
    ),
    st.integers(-130_000, 130_000),
)
# Whole numbers, so that sums are exact in any order.
numbers = st.integers(-1000, 1000).map(float)
rows = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 3), times, numbers, st.none() | st.integers(0, 1000).map(float)),
        st.tuples(st.just(9), times, st.text(max_size=3), st.none()),
    ),
    max_size=60,
)
cuts = st.lists(st.integers(0, 60), max_size=8)


def ticks_of(given_rows: list[Row]) -> Ticks:
    columns = [list(column) for column in zip(*given_rows, strict=True)] or [[], [], [], []]
    return Ticks.of(*columns)


def pieces(given_rows: list[Row], places: list[int]) -> list[list[Row]]:
    ends = [0, *sorted(min(place, len(given_rows)) for place in places), len(given_rows)]
    return [given_rows[start:end] for start, end in pairwise(ends)]


def candles_by_hand(given_rows: list[Row], resolution: int) -> dict[tuple[int, int], Candle]:
    """Works candles out from single ticks, without any code of the project but the shape of the answer."""
    buckets: dict[tuple[int, int], list[tuple[float, float | None]]] = {}
    for series, time, value, volume in given_rows:
        if not isinstance(value, str):
            buckets.setdefault((series, time - time % resolution), []).append((value, volume))
    return {
        key: Candle(
            key[1],
            bucket[0][0],
            max(value for value, _ in bucket),
            min(value for value, _ in bucket),
            bucket[-1][0],
            sum(volume for _, volume in bucket if volume is not None),
            len(bucket),
        )
        for key, bucket in buckets.items()
    }


@settings(max_examples=300, deadline=None)
@given(rows, cuts, st.sampled_from(UNITS))
@example([(1, 999, 1.0, 1.0), (1, 1000, 5.0, None), (1, 999, 2.0, 1.0)], [], 1)
@example([(1, 59_999, 1.0, None), (1, 60_000, 2.0, None), (1, 59_998, 3.0, None)], [1], 60)
@example([(1, -1, 1.0, None), (1, 0, 2.0, None)], [], 60)
def test_candles_come_out_the_same_merged_or_not(given_rows: list[Row], places: list[int], seconds: int) -> None:
    merged: dict[Any, dict[tuple[int, int], Candle]] = {}
    single: dict[Any, dict[tuple[int, int], Candle]] = {}
    for resolution in (seconds * SECOND, MINUTE, 60 * MINUTE):
        merged[resolution], single[resolution] = {}, {}
        for piece in pieces(given_rows, places):
            fold(merged[resolution], conflate(ticks_of(piece), seconds * SECOND), resolution)
            fold(single[resolution], Rows(ticks_of(piece)), resolution)
        assert merged[resolution] == candles_by_hand(given_rows, resolution)
    assert merged == single


@settings(max_examples=300, deadline=None)
@given(rows, st.sampled_from(UNITS))
def test_a_row_stands_for_neighbours_of_one_series_within_one_unit(given_rows: list[Row], seconds: int) -> None:
    merged = conflate(ticks_of(given_rows), seconds * SECOND)
    counts = [1] * len(merged) if merged.counts is None else merged.counts.tolist()
    assert merged.tick_count == sum(counts) == len(given_rows)
    waiting: dict[int, list[tuple[int, Row]]] = {}
    for seq, row in enumerate(given_rows):
        waiting.setdefault(row[0], []).append((seq, row))
    before = -1
    for place, count in enumerate(counts):
        queue = waiting[int(merged.ticks.series[place])]
        group, waiting[int(merged.ticks.series[place])] = queue[:count], queue[count:]
        seqs, members = [seq for seq, _ in group], [row for _, row in group]
        assert len(members) == count >= 1
        assert seqs[-1] > before, "rows are in the seq order of their last ticks"
        before = seqs[-1]
        assert len({row[1] // (seconds * SECOND) for row in members}) == 1
        assert merged.ticks.times[place] == members[-1][1]
        volumes = [row[3] for row in members if row[3] is not None]
        volume = float(merged.ticks.volumes[place])
        assert volume == sum(volumes) if volumes else volume != volume
        if isinstance(members[-1][2], str):
            assert count == 1, "texts are never merged"
            assert merged.ticks.texts[place] == members[0][2]
            continue
        assert place not in merged.ticks.texts
        values = [row[2] for row in members]
        assert merged.ticks.values[place] == values[-1]
        if merged.open is not None and merged.high is not None and merged.low is not None:
            assert (merged.open[place], merged.high[place], merged.low[place]) == (
                values[0],
                max(values),  # type: ignore[type-var]
                min(values),  # type: ignore[type-var]
            )
        else:
            assert count == 1
    assert not any(waiting.values())


@settings(max_examples=100, deadline=None)
@given(rows)
def test_neighbours_within_a_unit_are_always_merged(given_rows: list[Row]) -> None:
    """So that a viewer who is far behind gets as few rows as the truth allows."""
    merged = conflate(ticks_of(given_rows), SECOND)
    last: dict[int, tuple[int, bool]] = {}
    for place in range(len(merged)):
        series, text = int(merged.ticks.series[place]), place in merged.ticks.texts
        here = (int(merged.ticks.times[place]) // SECOND, text)
        assert text or last.get(series) != here
        last[series] = here


@settings(max_examples=100, deadline=None)
@given(rows, st.sampled_from(UNITS), st.integers(0, 60), st.integers(0, 60))
def test_rows_can_be_cut_anywhere(given_rows: list[Row], seconds: int, start: int, end: int) -> None:
    merged = conflate(ticks_of(given_rows), seconds * SECOND)
    start, end = sorted((min(start, len(merged)), min(end, len(merged))))
    pieces_ = [merged.cut(0, start), merged.cut(start, end), merged.cut(end, len(merged))]
    assert [len(piece) for piece in pieces_] == [start, end - start, len(merged) - end]
    assert sum(piece.tick_count for piece in pieces_) == len(given_rows)
    candles: dict[tuple[int, int], Candle] = {}
    for piece in pieces_:
        fold(candles, piece, MINUTE)
    assert candles == candles_by_hand(given_rows, MINUTE)


def test_few_ticks_and_lone_ticks_stay_as_they_are() -> None:
    assert len(conflate(Ticks.empty(), SECOND)) == 0
    one = ticks_of([(1, 0, 1.0, None)])
    assert conflate(one, SECOND).ticks is one
    apart = ticks_of([(1, 0, 1.0, None), (2, 0, 1.0, None), (1, 1000, 1.0, None)])
    assert conflate(apart, SECOND).ticks is apart
    assert conflate(apart, SECOND).counts is None


def test_infinite_sums_and_values_raise_no_alarm() -> None:
    rows = conflate(ticks_of([(1, 0, 1e308, 1e308), (1, 1, -1e308, 5.0)]), SECOND)
    assert rows.counts is not None
    assert rows.counts.tolist() == [2]


# --- units ---


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**12), st.integers(1, 2**53))
def test_a_unit_divides_the_minute_and_is_the_shortest_that_keeps_to_the_points(span: int, points: int) -> None:
    unit = unit_for(span, points)
    assert unit // SECOND in LADDER
    assert unit % SECOND == 0
    assert span <= points * unit or unit == MINUTE
    shorter = [one * SECOND for one in LADDER if one * SECOND < unit]
    assert all(span > points * one for one in shorter)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(1, 1000))
def test_a_longer_span_never_has_a_shorter_unit(one: int, other: int, points: int) -> None:
    short, long = sorted((one, other))
    assert unit_for(short, points) <= unit_for(long, points)
    assert unit_for(long, points + 1) <= unit_for(long, points)


@pytest.mark.parametrize(
    ("span", "points", "unit"),
    [(0, 1, 1), (600_000, 600, 1), (600_001, 600, 5), (900_000, 600, 5), (900_000, 60, 15), (10**9, 1, 60)],
)
def test_units_as_examples(span: int, points: int, unit: int) -> None:
    assert unit_for(span, points) == unit * SECOND


def test_every_unit_divides_the_next() -> None:
    assert {unit_for(span * 100, 1) // SECOND for span in range(10_000)} == set(LADDER)
    assert all(longer % shorter == 0 for shorter, longer in pairwise(LADDER))


def test_a_hundred_thousand_ticks_are_merged_in_a_moment() -> None:
    dice = np.random.default_rng(1)
    count = 100_000
    ticks = Ticks(
        dice.integers(1, 25, count).astype(np.uint32),
        np.sort(dice.integers(0, 300_000, count)).astype(np.int64),
        dice.normal(size=count),
        np.full(count, np.nan),
    )
    merged = conflate(ticks, SECOND)
    assert merged.tick_count == count
    assert len(merged) <= 24 * 301
