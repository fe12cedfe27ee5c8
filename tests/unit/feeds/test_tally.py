from __future__ import annotations

from dashboard.feeds.tally import REASONS, Tally


def test_a_tally_says_how_many_why_and_an_example() -> None:
    tally = Tally()
    tally.add("not a finite number", 11, "MSFT")
    tally.add("not a finite number", 1, "AAPL")
    assert str(tally) == "12 ticks refused: not a finite number (AAPL)"
    assert (tally.total, dict(tally)) == (12, {"not a finite number": 12})


def test_the_most_frequent_reasons_are_told_first() -> None:
    tally = Tally()
    for number, reason in enumerate(("a", "b", "c", "d"), start=1):
        tally.add(reason, number)
    assert str(tally) == "4 ticks refused: d; 3 ticks refused: c; 2 ticks refused: b"


def test_reasons_are_bounded() -> None:
    tally = Tally()
    for number in range(1000):
        tally.add(f"reason {number}", 1)
    assert len(dict(tally)) == REASONS + 1
    assert tally.total == 1000


def test_an_empty_tally_is_false_and_says_nothing() -> None:
    assert not Tally()
    assert str(Tally()) == ""


def test_a_long_example_does_not_make_a_long_message() -> None:
    tally = Tally()
    tally.add("unknown", 1, "k" * 1_000_000)
    assert len(str(tally)) < 400
