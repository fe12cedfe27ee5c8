from __future__ import annotations

from decimal import Decimal
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from dashboard.feeds.base import FeedBatch, SeriesInfo
from dashboard.feeds.intake import Draft, mismatch, parts, settle, sift
from dashboard.feeds.limits import Limits
from dashboard.feeds.roster import Roster
from dashboard.timeseries.tick import Ticks
from tests.unit.feeds.cast import batch, strange

NOW = 1_795_000_000_000
LIMITS = Limits()
SERIES = {
    "AAPL": SeriesInfo(7, 2),
    "raw": SeriesInfo(8),
    "note": SeriesInfo(9, text=True),
    "whole": SeriesInfo(10, 0),
}


def take(given: FeedBatch, series: dict[str, SeriesInfo] = SERIES) -> tuple[Ticks, Draft]:
    roster = Roster(series, 1000, LIMITS)
    draft = sift(given, NOW, LIMITS)
    return settle(draft, roster.places(draft.keys), roster), draft


def reasons(given: FeedBatch) -> dict[str, int]:
    return dict(take(given)[1].tally)


def test_a_good_batch_becomes_columns() -> None:
    ticks, draft = take(FeedBatch(["AAPL", "raw"], [1.0, 2], [NOW - 5, NOW], [3.0, None]))
    assert ticks.series.tolist() == [7, 8]
    assert ticks.times.tolist() == [NOW - 5, NOW]
    assert ticks.values.tolist() == [1.0, 2.0]
    assert ticks.volumes[0] == 3.0
    assert np.isnan(ticks.volumes[1])
    assert [column.dtype for column in (ticks.series, ticks.times, ticks.values)] == [np.uint32, np.int64, np.float64]
    assert not draft.tally


def test_no_times_means_now_and_no_volumes_means_none() -> None:
    ticks, _ = take(batch(1.0, 2.0))
    assert ticks.times.tolist() == [NOW, NOW]
    assert np.isnan(ticks.volumes).all()


def test_values_are_rounded_to_the_decimals_of_their_series() -> None:
    ticks, _ = take(FeedBatch(["AAPL", "raw", "whole", "AAPL"], [1.23456, 1.23456, 2.6, -0.3 * 3]))
    assert ticks.values.tolist() == [1.23, 1.23456, 3.0, -0.9]


def test_rounding_near_the_end_of_the_range_keeps_the_number() -> None:
    ticks, _ = take(FeedBatch(["AAPL", "many"], [1e308, 0.1]), {**SERIES, "many": SeriesInfo(11, 30)})
    assert ticks.values.tolist() == [1e308, 0.1]


def test_a_text_is_kept_at_its_row_after_others_were_refused() -> None:
    ticks, _ = take(FeedBatch(["AAPL", "note", "AAPL", "note"], [nan, "open", 1.5, "closed"]))
    assert ticks.texts == {0: "open", 2: "closed"}
    assert np.isnan(ticks.values[[0, 2]]).all()
    assert ticks.values[1] == 1.5


@pytest.mark.parametrize("value", [nan, inf, -inf, strange(None), strange({}), strange(10**400), strange(b"1")])
def test_what_is_not_a_finite_number_is_refused_alone(value: Any) -> None:
    ticks, draft = take(batch(1.0, value, 3.0))
    assert ticks.values.tolist() == [1.0, 3.0]
    assert str(draft.tally) == "1 tick refused: not a finite number (AAPL)"


def test_numbers_of_all_kinds_are_taken() -> None:
    ticks, _ = take(batch(1, True, strange(Decimal("2.5")), np.float32(0.5), np.int64(4)))
    assert ticks.values.tolist() == [1.0, 1.0, 2.5, 0.5, 4.0]


def test_numpy_columns_are_taken_as_they_are() -> None:
    given = FeedBatch(["raw"] * 3, np.array([1.0, nan, 3.0]), np.array([NOW, NOW, NOW]), np.array([1.0, 1.0, 2.0]))
    ticks, draft = take(given)
    assert ticks.values.tolist() == [1.0, 3.0]
    assert ticks.volumes.tolist() == [1.0, 2.0]
    assert draft.tally.total == 1


def test_a_text_that_looks_like_a_number_is_not_one() -> None:
    assert reasons(batch("1.5", 2.5)) == {"text where a number is expected": 1}


def test_a_number_in_a_series_of_texts_is_refused() -> None:
    ticks, draft = take(batch(1.0, "fine", key="note"))
    assert dict(draft.tally) == {"a number where text is expected": 1}
    assert ticks.texts == {0: "fine"}


@pytest.mark.parametrize(
    ("text", "fits"), [("x" * 1024, True), ("x" * 1025, False), ("é" * 512, True), ("é" * 513, False)]
)
def test_a_text_of_more_than_a_kibibyte_is_refused(text: str, fits: bool) -> None:
    ticks, draft = take(batch(text, "short", key="note"))
    assert dict(draft.tally) == ({} if fits else {"text longer than 1,024 bytes": 1})
    assert len(ticks) == 1 + fits


@pytest.mark.parametrize("text", ["half \ud800", "nul \x00"])
def test_a_text_that_no_database_holds_is_refused(text: str) -> None:
    assert reasons(batch(text, "fine", key="note")) == {"text that cannot be stored": 1}


def test_times_from_1970_and_the_future_are_refused() -> None:
    times = [0, NOW - 86_400_001, NOW - 86_400_000, NOW + 60_000, NOW + 60_001, 10**30]
    ticks, draft = take(batch(*map(float, range(6)), times=times))
    assert ticks.values.tolist() == [2.0, 3.0]
    assert dict(draft.tally) == {
        "the time is not a number of milliseconds": 1,
        "older than 24 h": 2,
        "more than 60 s ahead of the clock": 1,
    }


@pytest.mark.parametrize("time", [nan, inf, None, "now", -(10**400)])
def test_a_time_that_is_no_number_is_refused(time: Any) -> None:
    assert reasons(batch(1.0, 2.0, times=[NOW, time])) == {"the time is not a number of milliseconds": 1}


@pytest.mark.parametrize("volume", [-1.0, nan, inf, "3"])
def test_a_volume_is_a_number_of_0_or_more_or_nothing(volume: Any) -> None:
    ticks, draft = take(batch(1.0, 2.0, 3.0, volumes=[0.0, volume, None]))
    assert dict(draft.tally) == {"the volume is not a number of 0 or more": 1}
    assert ticks.values.tolist() == [1.0, 3.0]


@pytest.mark.parametrize("key", ["", "k" * 201, "nul\x00", "half \udfff", None, 7, ["AAPL"]])
def test_what_cannot_be_a_key_is_refused_and_never_asked_about(key: Any) -> None:
    given = FeedBatch([key, "AAPL"], [1.0, 2.0])
    roster = Roster(SERIES, 1000, LIMITS)
    draft = sift(given, NOW, LIMITS)
    assert draft.newcomers(roster.places(draft.keys)) == {}
    assert settle(draft, roster.places(draft.keys), roster).values.tolist() == [2.0]
    assert dict(draft.tally) == {"a key must be text of 1 to 200 characters": 1}


def test_a_row_with_two_faults_counts_once() -> None:
    assert sum(reasons(batch(nan, times=[0], volumes=[-1.0])).values()) == 1


def test_newcomers_are_the_unknown_keys_of_good_rows() -> None:
    given = FeedBatch(["new", "bad", "said", "AAPL"], [1.0, nan, "text", 2.0])
    roster = Roster(SERIES, 1000, LIMITS)
    draft = sift(given, NOW, LIMITS)
    assert draft.newcomers(roster.places(draft.keys)) == {"new": False, "said": True}


def test_an_unknown_series_is_refused_when_no_series_is_known_at_all() -> None:
    ticks, draft = take(batch(1.0), {})
    assert len(ticks) == 0
    assert dict(draft.tally) == {"unknown series": 1}


def test_an_empty_batch_gives_no_ticks() -> None:
    ticks, draft = take(FeedBatch([], []))
    assert len(ticks) == 0
    assert not draft.tally


def test_columns_of_unequal_length_are_noticed() -> None:
    assert mismatch(FeedBatch(["a", "b"], [1.0])) == 2
    assert mismatch(FeedBatch(["a"], [1.0], [NOW, NOW, NOW])) == 3
    assert mismatch(FeedBatch(["a"], [1.0], None, [])) == 1
    assert mismatch(FeedBatch(["a"], [1.0], [NOW], [None])) == 0


def test_a_long_batch_is_cut_in_order() -> None:
    given = FeedBatch(["AAPL"] * 25, [float(n) for n in range(25)], [NOW + n for n in range(25)])
    pieces = list(parts(given, 10))
    assert [len(piece.keys) for piece in pieces] == [10, 10, 5]
    assert [value for piece in pieces for value in piece.values] == list(range(25))
    assert list(pieces[2].times or ()) == [NOW + n for n in range(20, 25)]
