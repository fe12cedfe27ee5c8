"""Tests that every close code has its words, and tells a viewer to come back exactly when it should."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.protocol.close_codes import FAREWELLS, CloseCode

PAGE = Path(__file__).resolve().parents[3] / "static/js/live/close_codes.js"
# The table of docs/protocol.md.
TABLE = {4001, 4002, 4004, 4008, 4013, 4029, 4500, 4501, 4502, 4503, 4506}


def test_the_codes_are_those_of_the_protocol() -> None:
    assert {int(code) for code in CloseCode} == TABLE
    assert set(FAREWELLS) == set(CloseCode)


@pytest.mark.parametrize("code", CloseCode)
def test_below_4500_a_viewer_comes_back_and_from_there_on_he_stops(code: CloseCode) -> None:
    words, retry = FAREWELLS[code]
    assert words
    assert words[0].isupper()
    assert (retry is not None) == (code < 4500)
    if retry is not None:
        assert 0 <= retry[0] < retry[1]


@pytest.mark.parametrize(("code", "least"), [(4008, 5000), (4013, 10_000), (4029, 30_000)])
def test_who_was_too_much_waits_before_he_returns(code: int, least: int) -> None:
    retry = FAREWELLS[CloseCode(code)][1]
    assert retry is not None
    assert retry[0] >= least


def test_returns_after_a_restart_are_spread() -> None:
    # Nobody is without data for more than 5 s, the way back included.
    assert FAREWELLS[CloseCode.DRAIN][1] == (250, 3500)
    assert FAREWELLS[CloseCode.AGE][1] == (0, 2000)


def test_a_page_that_missed_the_goodbye_returns_in_the_same_time() -> None:
    ranges = re.findall(r"^  (4\d{3}): retry\(.*range: \[(\d+), (\d+)\]", PAGE.read_text(), flags=re.M)
    assert {code for code, _, _ in ranges} == {"4001", "4002"}
    for code, low, high in ranges:
        assert FAREWELLS[CloseCode(int(code))][1] == (int(low), int(high))
