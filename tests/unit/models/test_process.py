"""Web processes that do not share a log are found out, and those that only followed each other are not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from dashboard.models.process import KEPT, WebProcess

pytestmark = pytest.mark.django_db

MEMORY, REDIS = WebProcess.Log.MEMORY, WebProcess.Log.REDIS


def process(key: str, log: str = MEMORY, *, started: float = 60, seen: float = 0) -> None:
    """Makes the row of a process that started and was last seen this many seconds ago."""
    WebProcess.objects.create(
        key=key,
        host="wall",
        pid=1,
        log=log,
        started=Now() - timedelta(seconds=started),
        seen=Now() - timedelta(seconds=seen),
    )


def at_odds() -> list[str]:
    return [row.key for row in WebProcess.at_odds()]


def test_one_process_is_right() -> None:
    process("a")
    assert at_odds() == []


def test_two_with_logs_of_their_own_are_not() -> None:
    process("a", started=70)
    process("b")
    assert at_odds() == ["a", "b"]


def test_any_number_that_share_redis_is_right() -> None:
    for key in "abc":
        process(key, REDIS)
    assert at_odds() == []


def test_one_with_its_own_log_among_those_that_share_is_not() -> None:
    process("a", REDIS, started=80)
    process("b", MEMORY, started=70)
    assert at_odds() == ["a", "b"]


def test_one_that_was_killed_and_one_that_followed_are_right() -> None:
    process("a", started=60, seen=5)
    process("b", started=4)
    assert at_odds() == []


def test_one_that_is_silent_is_gone() -> None:
    process("a", seen=30)
    process("b")
    assert at_odds() == []


def test_a_beat_makes_the_row_once_and_clears_away_the_old() -> None:
    process("old", started=9000, seen=KEPT.total_seconds() + 10)
    process("killed", seen=30)
    WebProcess.beat("a", "h" * 300, 4711, MEMORY)
    WebProcess.objects.filter(pk="a").update(seen=Now() - timedelta(seconds=5))
    row = WebProcess.objects.get(pk="a")
    WebProcess.beat("a", "h" * 300, 4711, MEMORY)
    again = WebProcess.objects.get(pk="a")
    assert (again.started, again.host, str(again)) == (row.started, "h" * 100, "h" * 100 + ":4711")
    assert again.seen > row.seen
    assert set(WebProcess.objects.values_list("pk", flat=True)) == {"a", "killed"}
