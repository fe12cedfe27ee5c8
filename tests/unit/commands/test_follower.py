from __future__ import annotations

from typing import Any

import pytest

from dashboard.management.follower import Follower, Remark, Row

SRC = 42


@pytest.fixture
def follower() -> Follower:
    """A follower that stands at seq 10 of epoch e."""
    follower = Follower(SRC)
    names = [[101, SRC, "AAPL", "Apple", "USD", 2], [102, SRC, "MSFT", "Microsoft", "", None]]
    take(follower, {"t": "subd", "id": 1, "series": names, "sources": []})
    take(
        follower, {"t": "snap", "src": SRC, "epoch": "e", "seq": 10, "part": 1, "parts": 1, "rows": rows([]), "k": "s"}
    )
    return follower


def take(follower: Follower, message: dict[str, Any]) -> list[Row | Remark]:
    return list(follower.take(message, 100))


def rows(series: list[int], **columns: Any) -> dict[str, Any]:
    count = range(len(series))
    return {"i": series, "t0": 1000, "t": [10 * row for row in count], "v": [1.0 + row for row in count], **columns}


def data(a: int, b: int, part: dict[str, Any], n: int | None = None) -> dict[str, Any]:
    told = sum(part.get("k", [1] * len(part["i"])))
    return {"t": "d", "k": "t", "d": [{"src": SRC, "a": a, "b": b, "n": told if n is None else n, "rows": part}]}


def gap(a: int, b: int, why: str = "trimmed") -> dict[str, Any]:
    return {"t": "gap", "src": SRC, "a": a, "b": b, "why": why, "from": None, "to": None}


def test_data_moves_the_position_and_is_shown_under_the_names_of_the_series(follower: Follower) -> None:
    shown = take(follower, data(11, 12, rows([101, 102])))
    assert [(row.name.key, row.time, row.value) for row in shown if isinstance(row, Row)] == [
        ("AAPL", 1000, 1.0),
        ("MSFT", 1010, 2.0),
    ]
    assert follower.since == {"42": ["e", 12]}
    assert str(follower.ledger) == "2 published = 2 shown + 0 merged + 0 gap · 0 unexplained"


def test_merged_rows_count_as_the_ticks_they_stand_for(follower: Follower) -> None:
    part = rows([101, 102], k=[5, 1], o=[1, 2], h=[3, 2], l=[0, 2])
    first, second = take(follower, data(11, 16, part))
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert (first.count, first.open, first.high, first.low) == (5, 1, 3, 0)
    assert (second.count, second.high) == (1, None)
    assert (follower.ledger.shown, follower.ledger.merged, follower.ledger.unexplained) == (2, 4, 0)


def test_ticks_of_series_that_were_not_asked_for_are_accounted_for(follower: Follower) -> None:
    take(follower, data(11, 20, rows([101])))
    assert (follower.ledger.other, follower.ledger.unexplained) == (9, 0)


def test_a_count_that_does_not_fit_its_rows_is_unexplained(follower: Follower) -> None:
    take(follower, data(11, 13, rows([101]), n=3))
    assert follower.ledger.unexplained == 2
    assert not follower.ledger.clean


def test_a_gap_is_told_and_explained(follower: Follower) -> None:
    (remark,) = take(follower, gap(11, 30))
    assert isinstance(remark, Remark)
    assert "20 ticks" in remark.words
    take(follower, data(31, 31, rows([101])))
    assert (follower.ledger.published, follower.ledger.gap, follower.ledger.unexplained) == (21, 20, 0)


def test_after_a_new_epoch_the_line_begins_where_the_snapshot_says(follower: Follower) -> None:
    take(follower, gap(11, 10, "epoch"))
    take(follower, {"t": "snap", "src": SRC, "epoch": "f", "seq": 3, "part": 1, "parts": 1, "rows": rows([]), "k": "k"})
    take(follower, data(4, 4, rows([101])))
    assert follower.since == {"42": ["f", 4]}
    assert (follower.ledger.published, follower.ledger.unexplained) == (1, 0)


def test_a_hole_is_asked_for_once_and_filled(follower: Follower) -> None:
    assert take(follower, data(15, 15, rows([101]))) == []
    assert follower.lost
    assert follower.since == {"42": ["e", 10]}
    follower.resubscribed()
    assert take(follower, data(16, 16, rows([101]))) == []  # was on its way before the answer
    take(follower, {"t": "subd", "id": 1, "series": [], "sources": []})
    take(follower, data(11, 16, rows([101] * 6)))
    assert not follower.lost
    assert follower.ledger.clean
    assert follower.ledger.shown == 6


def test_a_hole_that_stays_is_counted_as_unexplained(follower: Follower) -> None:
    take(follower, data(15, 15, rows([101])))
    follower.resubscribed()
    take(follower, {"t": "subd", "id": 1, "series": [], "sources": []})
    remark, row = take(follower, data(15, 15, rows([101])))
    assert isinstance(remark, Remark)
    assert remark.facts == {"unexplained": [11, 14]}
    assert isinstance(row, Row)
    assert follower.ledger.unexplained == 4


def test_what_comes_twice_is_dropped_and_counted(follower: Follower) -> None:
    take(follower, data(11, 12, rows([101, 102])))
    assert take(follower, data(11, 12, rows([101, 102]))) == []
    assert (follower.ledger.shown, follower.ledger.overlaps, follower.ledger.clean) == (2, 2, False)


def test_a_snapshot_that_jumps_without_a_gap_is_unexplained(follower: Follower) -> None:
    take(
        follower, {"t": "snap", "src": SRC, "epoch": "e", "seq": 50, "part": 1, "parts": 1, "rows": rows([]), "k": "k"}
    )
    assert follower.ledger.unexplained == 40


def test_heartbeats_that_know_more_than_was_sent_lead_to_a_question(follower: Follower) -> None:
    beat = {"t": "hb", "now": 1, "pos": {"42": ["e", 11]}, "k": "h"}
    take(follower, beat)
    assert not follower.lost  # it may be on its way
    take(follower, beat)
    assert follower.lost


def test_acknowledgements_are_due_after_16_frames_or_a_heartbeat_or_a_second(follower: Follower) -> None:
    follower.ack(late=True)
    for seq in range(11, 26):
        take(follower, data(seq, seq, rows([101])))
        assert follower.ack(late=False) is None
    take(follower, data(26, 26, rows([101])))
    assert follower.ack(late=False) == "t"
    assert follower.ack(late=True) is None
    take(follower, {"t": "hb", "now": 1, "pos": {}, "k": "beat"})
    assert follower.ack(late=False) == "beat"


def test_a_state_is_told_when_it_changes_and_not_with_every_rate(follower: Follower) -> None:
    live = {"t": "st", "src": SRC, "state": "live", "since": 1, "last": 1, "hz": 1.0, "msg": ""}
    assert len(take(follower, live)) == 1
    assert take(follower, {**live, "hz": 2.0}) == []
    (remark,) = take(follower, {**live, "state": "down", "msg": "HTTP 503"})
    assert isinstance(remark, Remark)
    assert remark.words == "down: HTTP 503"


def test_what_is_of_another_source_or_unknown_is_left_alone(follower: Follower) -> None:
    for message in ({**gap(1, 99), "src": 7}, {"t": "carrier pigeon"}, {"t": "d", "k": "x", "d": [{"src": 7}]}):
        assert take(follower, message) == []
    assert follower.ledger.published == 0
