from __future__ import annotations

from dashboard.feeds.base import SeriesInfo, SeriesSpec
from dashboard.feeds.limits import Limits
from dashboard.feeds.roster import Roster

LIMITS = Limits(remembered_keys=50, ask_again=60.0, ask_again_after_error=5.0)


def roster(known: int = 0, room: int = 10) -> Roster:
    return Roster({f"k{n}": SeriesInfo(n + 1) for n in range(known)}, room, LIMITS)


def keys(*names: str) -> dict[str, bool]:
    return dict.fromkeys(names, False)


def names(specs: list[SeriesSpec]) -> list[str]:
    return [spec.key for spec in specs]


def test_new_keys_are_asked_for_as_the_feed_declared_them() -> None:
    one = roster()
    one.declare([SeriesSpec("AAPL", "Apple", "USD", 2)])
    assert one.wanted({"AAPL": False, "said": True}, 0) == [
        SeriesSpec("AAPL", "Apple", "USD", 2),
        SeriesSpec("said", text=True),
    ]


def test_declared_series_that_are_known_are_not_asked_for() -> None:
    one = roster(known=1)
    one.declare([SeriesSpec("k0"), SeriesSpec("new")])
    assert names(one.undeclared(0)) == ["new"]


def test_no_more_is_asked_for_than_there_is_room() -> None:
    assert names(roster(known=8, room=10).wanted(keys("a", "b", "c"), 0)) == ["a", "b"]
    assert roster(known=10, room=10).wanted(keys("a"), 0) == []


def test_a_key_that_was_turned_away_is_asked_about_again_after_a_while() -> None:
    one = roster()
    one.turn_away(keys("a"), 1000)
    assert one.wanted(keys("a"), 60_999) == []
    assert names(one.wanted(keys("a"), 61_000)) == ["a"]


def test_after_an_error_it_is_asked_sooner() -> None:
    one = roster()
    one.turn_away(keys("a"), 0, why="the database is away")
    assert one.complaint() == "1 key could not be admitted: the database is away"
    assert one.wanted(keys("a"), 4999) == []
    assert names(one.wanted(keys("a"), 5000)) == ["a"]


def test_memory_of_keys_is_bounded_and_then_nothing_is_asked() -> None:
    one = roster(known=10, room=10)
    one.turn_away(keys(*(f"x{n}" for n in range(100_000))), 0)
    assert one.complaint() == "50 keys or more beyond the limit of 10"
    assert one.wanted(keys("y"), 1) == []


def test_keys_beyond_the_limit_are_counted_once() -> None:
    one = roster(known=10, room=10)
    for _ in range(3):
        one.turn_away(keys(*(f"x{n}" for n in range(40))), 0)
    assert one.complaint() == "40 keys beyond the limit of 10"


def test_an_update_takes_over_what_the_database_holds() -> None:
    one = roster(known=2)
    one.turn_away(keys("late"), 0)
    one.turn_away(keys("never"), 0)
    one.update({"k1": SeriesInfo(2, 3), "late": SeriesInfo(9)})
    assert one.complaint() == "1 key not admitted"
    assert one.places(["k0", "k1", "late"]).tolist() == [-1, 0, 1]
    assert (one.ids.tolist(), one.decimals.tolist()) == ([2, 9], [3, -1])
