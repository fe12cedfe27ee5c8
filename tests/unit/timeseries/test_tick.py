"""Tests the columns: what goes in comes out, wherever they are cut and joined."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.timeseries.tick import LOST, Ticks

rows = st.lists(
    st.tuples(
        st.integers(0, 2**32 - 1),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False) | st.text(max_size=3),
        st.none() | st.floats(allow_nan=False),
    ),
    max_size=20,
)


def ticks_of(given_rows: list[tuple[int, int, float | str, float | None]]) -> Ticks:
    columns = [list(column) for column in zip(*given_rows, strict=True)] or [[], [], [], []]
    return Ticks.of(*columns)


def rows_of(ticks: Ticks) -> list[tuple[int, int, float | str, float | None]]:
    columns = (ticks.series.tolist(), ticks.times.tolist(), ticks.values.tolist(), ticks.volumes.tolist())
    return [
        (series, time, ticks.texts.get(row, value), None if volume != volume else volume)
        for row, (series, time, value, volume) in enumerate(zip(*columns, strict=True))
    ]


@settings(max_examples=100, deadline=None)
@given(rows)
def test_columns_hold_what_was_given(given_rows: list[tuple[int, int, float | str, float | None]]) -> None:
    assert rows_of(ticks_of(given_rows)) == given_rows


@settings(max_examples=100, deadline=None)
@given(rows, st.lists(st.integers(0, 20), max_size=4))
def test_pieces_joined_are_the_whole(
    given_rows: list[tuple[int, int, float | str, float | None]], cuts: list[int]
) -> None:
    whole = ticks_of(given_rows)
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole.cut(start, end) for start, end in pairwise(places)]
    assert rows_of(Ticks.join(pieces)) == given_rows


@settings(max_examples=100, deadline=None)
@given(rows, st.integers(0, 2**20 - 1))
def test_a_mask_takes_its_rows_in_their_order(
    given_rows: list[tuple[int, int, float | str, float | None]], bits: int
) -> None:
    mask = np.array([bool(bits >> row & 1) for row in range(len(given_rows))], np.bool_)
    wanted = [row for row, taken in zip(given_rows, mask, strict=True) if taken]
    assert rows_of(ticks_of(given_rows).where(mask)) == wanted


def test_nothing_joined_is_nothing() -> None:
    assert len(Ticks.join([])) == len(Ticks.empty()) == 0
    assert len(Ticks.join([Ticks.empty(), Ticks.empty()])) == 0


def test_lost_ticks_are_of_no_series_and_of_no_value() -> None:
    lost = Ticks.lost(3, 7)
    assert lost.series.tolist() == [LOST] * 3
    assert lost.times.tolist() == [7] * 3
    assert np.isnan(lost.values).all()
    assert np.isnan(lost.volumes).all()
