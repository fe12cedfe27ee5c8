from __future__ import annotations

from dashboard.feeds.backoff import Backoff


def waits(backoff: Backoff, number: int) -> list[float]:
    return [backoff.fail() for _ in range(number)]


def test_waits_double_up_to_the_cap() -> None:
    assert waits(Backoff(0.5, 4.0, 10.0, lambda: 1.0), 6) == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_jitter_is_full() -> None:
    draws = iter([0.0, 0.25, 0.999])
    assert waits(Backoff(1.0, 60.0, 10.0, lambda: next(draws)), 3) == [0.0, 0.5, 3.996]


def test_health_of_some_length_makes_a_failure_the_first_again() -> None:
    backoff = Backoff(1.0, 60.0, 10.0, lambda: 1.0)
    waits(backoff, 4)
    assert backoff.fail(healthy_for=9.9) == 16.0
    assert backoff.fail(healthy_for=10.0) == 1.0
    assert backoff.fail() == 2.0


def test_failing_for_weeks_overflows_nothing() -> None:
    assert max(waits(Backoff(0.5, 30.0, 10.0, lambda: 1.0), 5000)) == 30.0


def test_a_cap_may_change_on_the_way() -> None:
    backoff = Backoff(1.0, 60.0, 10.0, lambda: 1.0)
    waits(backoff, 5)
    backoff.cap = 5.0
    assert backoff.fail() == 5.0
