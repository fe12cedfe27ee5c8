"""Tests what of a source's reports is an event, and that nothing waits for a database without bound."""

from __future__ import annotations

import pytest

from dashboard.feeds.health import Health
from dashboard.ingest import chronicle as chronicle_module
from dashboard.ingest.chronicle import Chronicle
from dashboard.ticklog.base import Lease


def noted(chronicle: Chronicle) -> list[tuple[int, str, str]]:
    return [(event.source_id, event.kind, event.cause) for event in chronicle.take()]


def test_a_state_is_an_event_when_it_is_another_one_and_not_at_every_report() -> None:
    chronicle = Chronicle("mill:1")
    for hz in (1.0, 2.0, 3.0):
        chronicle.stands(1, Health("live", 5, 6, hz))
    chronicle.stands(2, Health("live", 5))
    chronicle.stands(1, Health("late", 9, 6, 0.0, "no tick for 3 s"))
    chronicle.stands(1, Health("late", 9, 6, 0.0, "no tick for 4 s"))
    chronicle.stands(1, Health("live", 12))
    assert noted(chronicle) == [(1, "live", ""), (2, "live", ""), (1, "late", "no tick for 3 s"), (1, "live", "")]
    assert not chronicle


def test_another_reason_for_being_down_is_an_event_and_the_countdown_is_none() -> None:
    chronicle = Chronicle("mill:1")
    for msg in ("HTTP 503; next try in 4 s", "HTTP 503; next try in 3 s", "HTTP 404; next try in 8 s"):
        chronicle.stands(1, Health("down", 5, msg=msg))
    assert noted(chronicle) == [(1, "down", "HTTP 503"), (1, "down", "HTTP 404")]


def test_who_takes_a_source_over_says_what_became_of_the_one_before() -> None:
    chronicle = Chronicle("mill:1")
    chronicle.stands(1, Health("live", 5))
    chronicle.taken(Lease(1, 4, "mill:1:f00"))
    chronicle.taken(Lease(2, 4, "mill:1:f00", orphaned=12345))
    chronicle.stands(1, Health("live", 5))
    kinds = noted(chronicle)
    assert [(source, kind) for source, kind, _ in kinds] == [(1, "live"), (1, "taken"), (2, "taken"), (1, "live")]
    assert "never gave it back" in kinds[2][2]


def test_a_gap_is_told_with_its_size_and_cause() -> None:
    chronicle = Chronicle("mill:1")
    chronicle.lost(1, 40, "failover")
    (event,) = chronicle.take()
    assert (event.kind, event.ticks, event.worker) == ("gap", 40, "mill:1")
    assert "another worker" in event.cause


def test_what_finds_no_room_is_counted_and_the_count_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle_module, "MOST", 3)
    chronicle = Chronicle("mill:1")
    for number in range(5):
        chronicle.lost(1, number + 1, "source")
    first = chronicle.take()
    assert [event.ticks for event in first] == [1, 2, 3, None]
    assert first[-1].cause == "2 events could not be written down in time"
    # The database was away: they come back before what has happened since, as many as there is room for.
    chronicle.lost(1, 6, "source")
    chronicle.give_back(first[:3])
    again = chronicle.take()
    assert [event.ticks for event in again] == [1, 2, 3, None]
    assert again[-1].cause == "1 event could not be written down in time"
