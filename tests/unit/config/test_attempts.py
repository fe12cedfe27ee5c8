"""Failed logins are counted by pair and by address, with a clock of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import attempts as module
from config.attempts import ADDRESS_SECONDS, NAME_CHARACTERS, PAIR_SECONDS, Attempt, Attempts, minutes

HERE, THERE = "192.0.2.1", "2001:db8::/64"


def enter(it: Attempts, name: str = "ana", address: str = HERE, now: float = 0.0) -> Attempt:
    attempt = it.begin(name, address, now)
    assert isinstance(attempt, Attempt), f"{name} has to wait for {attempt} s"
    return attempt


def fail(it: Attempts, name: str = "ana", address: str = HERE, now: float = 0.0) -> list[str]:
    return enter(it, name, address, now).failed()


def test_a_pair_that_failed_too_often_waits_from_its_last_failure_on() -> None:
    it = Attempts(5, 0)
    for now in range(5):
        fail(it, now=now)
    assert it.begin("ana", HERE, 4.0) == PAIR_SECONDS
    assert it.begin("ana", HERE, 4.0 + PAIR_SECONDS - 1) == 1
    for now in range(5):
        fail(it, now=4 + PAIR_SECONDS + now)
    assert it.begin("ana", HERE, 8 + PAIR_SECONDS) == PAIR_SECONDS


def test_an_old_failure_does_not_count() -> None:
    it = Attempts(3, 0)
    for now in (0, 500, 950, 1450, 1900, 1910):
        fail(it, now=now)
    assert isinstance(it.begin("ana", HERE, 1910), float)


def test_other_names_and_other_addresses_are_let_through() -> None:
    it = Attempts(5, 50)
    for _ in range(5):
        fail(it)
    assert isinstance(it.begin("ana", HERE, 1), float)
    enter(it, address=THERE, now=1).succeeded()
    enter(it, name="ben", now=1).succeeded()
    assert isinstance(it.begin("ana", HERE, 2), float), "what she does elsewhere frees nobody here"


def test_an_address_waits_for_an_hour_whatever_the_names() -> None:
    it = Attempts(5, 50)
    for number in range(50):
        fail(it, name=f"user{number}", now=number)
    assert it.begin("ana", HERE, 49) == ADDRESS_SECONDS
    fail(it, address=THERE, now=49)
    fail(it, now=49 + ADDRESS_SECONDS)


def test_the_longer_wait_is_told() -> None:
    it = Attempts(1, 1)
    fail(it)
    assert it.begin("ana", HERE, 0) == ADDRESS_SECONDS


def test_success_clears_the_pair_and_not_the_address() -> None:
    """Or else whoever has an account would guess the passwords of others without end."""
    it = Attempts(5, 6)
    for _ in range(4):
        fail(it)
    enter(it).succeeded()
    for _ in range(2):
        fail(it)
    assert isinstance(it.begin("ben", HERE, 0), float)


def test_success_counts_for_nothing() -> None:
    it = Attempts(2, 2)
    for _ in range(100):
        enter(it).succeeded()
    assert (len(it.pairs), len(it.addresses)) == (0, 0)


def test_a_hundred_at_once_are_no_more_than_a_hundred_in_a_row() -> None:
    it = Attempts(5, 0)
    begun = [it.begin("ana", HERE, 0) for _ in range(100)]
    assert [isinstance(one, Attempt) for one in begun] == [True] * 5 + [False] * 95


def test_a_try_that_nobody_has_looked_at_is_taken_back() -> None:
    it = Attempts(2, 2)
    fail(it)
    for now in range(10):
        enter(it, now=now).undone()
    fail(it)
    assert isinstance(it.begin("ana", HERE, 1), float)


def test_none_of_both_is_any_number() -> None:
    it = Attempts(0, 0)
    for _ in range(1000):
        assert fail(it) == []
    assert (len(it.pairs), len(it.addresses)) == (0, 0)


def test_the_log_has_a_line_when_a_wait_begins_and_no_other() -> None:
    it = Attempts(5, 7)
    said = [fail(it) for _ in range(5)]
    assert said == [[]] * 4 + [[f"logins of 'ana' from {HERE} are refused for 15 minutes, after 5 failures"]]
    assert isinstance(it.begin("ana", HERE, 1), float)
    assert [fail(it, name="ben", now=1) for _ in range(2)] == [
        [],
        [f"logins from {HERE} are refused for 60 minutes, after 7 failures"],
    ]


def test_those_that_fail_at_once_are_one_line_as_well() -> None:
    it = Attempts(5, 0)
    begun = [enter(it, now=now) for now in range(5)]
    assert len([line for attempt in begun for line in attempt.failed()]) == 1


def test_a_name_adds_no_line_to_the_log_and_is_cut() -> None:
    it = Attempts(1, 0)
    (line,) = fail(it, name="ana\n" + "x" * 100_000)
    assert "\n" not in line
    assert len(line) < NAME_CHARACTERS + 100


def test_names_and_addresses_beyond_the_most_are_forgotten_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    it = Attempts(1, 1)
    for number in range(5):
        fail(it, name=f"user{number}", address=f"192.0.2.{number}", now=number)
    assert (len(it.pairs), len(it.addresses)) == (3, 3)
    enter(it, name="user1", address="192.0.2.1", now=5)
    assert isinstance(it.begin("user4", "192.0.2.4", 5), float)


def test_whoever_has_been_quiet_is_forgotten() -> None:
    it = Attempts(5, 50)
    for number in range(10):
        fail(it, name=f"user{number}", address=f"192.0.2.{number}")
    fail(it, now=PAIR_SECONDS)
    assert (len(it.pairs), len(it.addresses)) == (1, 10)
    fail(it, now=PAIR_SECONDS + ADDRESS_SECONDS)
    assert (len(it.pairs), len(it.addresses)) == (1, 1)


@given(st.lists(st.integers(0, 400), max_size=60))
def test_no_quarter_of_an_hour_sees_more_than_five_failures_of_a_pair(pauses: list[int]) -> None:
    it = Attempts(5, 0)
    now, failed = 0.0, []
    for pause in pauses:
        now += pause
        attempt = it.begin("ana", HERE, now)
        if isinstance(attempt, Attempt):
            attempt.failed()
            failed.append(now)
        else:
            assert 0 < attempt <= PAIR_SECONDS
            assert isinstance(it.begin("ana", HERE, now + attempt - 0.5), float)
    assert all(later - at >= PAIR_SECONDS for at, later in zip(failed, failed[5:], strict=False))


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.1, "1 minute"), (60, "1 minute"), (60.1, "2 minutes"), (3600, "60 minutes")]
)
def test_minutes_are_rounded_up(seconds: float, words: str) -> None:
    assert minutes(seconds) == words
