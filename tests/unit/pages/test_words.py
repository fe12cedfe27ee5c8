from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.pages import words

# The browser's tests read the same list: what the server wrote must not change with the first tick.
COMPACT = json.loads((Path(__file__).parents[2] / "js" / "support" / "compact.json").read_text())


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (1234.5, 2, "1,234.50"),
        (-0.5, 1, f"{words.MINUS}0.5"),
        (-0.001, 2, "0.00"),
        (0.123456, None, "0.1235"),
        (1200.0, None, "1,200"),
        (100.0, 0, "100"),
    ],
)
def test_a_number_has_its_decimals_and_a_true_minus(value: float, decimals: int | None, shown: str) -> None:
    assert words.number(value, decimals) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.25, "+1.25"), (-1.25, f"{words.MINUS}1.25"), (0.001, f"{words.ROOM}0.00"), (-0.001, f"{words.ROOM}0.00")],
)
def test_a_change_has_a_sign_unless_it_rounds_to_nothing(value: float, shown: str) -> None:
    assert words.change(value, 2) == shown


@pytest.mark.parametrize(("value", "shown"), COMPACT)
def test_a_large_figure_is_shortened_as_the_browser_does_it(value: float, shown: str) -> None:
    assert words.compact(value) == shown


def test_only_bytes_are_shortened() -> None:
    assert words.amount(2_863_294.0, "B/s", 0) == "2.9\u00a0M"
    assert words.amount(2_863_294.0, "USD", 0) == "2,863,294"
    assert words.amount(float("nan"), "B", 0) == words.NOTHING


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (-5, "0.0 s"),
        (3_449, "3.4 s"),
        (9_999, "9.9 s"),
        (12_900, "12 s"),
        (72_000, "1 m 12 s"),
        (3_600_000 * 2 + 300_000, "2 h 05 m"),
        (86_400_000 * 3 + 3_600_000 * 4, "3 d 04 h"),
    ],
)
def test_an_age_is_one_that_has_been_reached(milliseconds: int, shown: str) -> None:
    assert words.age(milliseconds) == shown


def test_spans_and_clocks() -> None:
    assert [words.span(seconds) for seconds in (15, 60, 900, 3600)] == ["15 s", "1 m", "15 m", "1 h"]
    assert words.time_of_day(1_795_361_835_123, "Europe/Berlin") == "16:37:15"
    assert words.offset(1_795_361_835_123, "Europe/Berlin") == "UTC+1"
    assert words.offset(1_795_361_835_123, "America/St_Johns") == f"UTC{words.MINUS}3:30"
    assert words.offset(0, "UTC") == "UTC"
