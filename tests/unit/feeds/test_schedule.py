from __future__ import annotations

from dashboard.feeds.schedule import Schedule


def test_steps_do_not_drift_with_slow_work() -> None:
    schedule, now, made = Schedule(100.0, 0.25, 1.0), 100.0, 0
    for _ in range(40):
        now += schedule.wait(now) + 0.03
        made += schedule.take(now)[0]
    assert made == 40
    assert schedule.wait(now) == 110.25 - now


def test_nothing_is_due_before_its_time() -> None:
    schedule = Schedule(0.0, 1.0, 1.0)
    assert schedule.take(0.5) == (0, 1.0)
    assert schedule.wait(0.25) == 0.75


def test_a_short_delay_is_made_up_for() -> None:
    schedule = Schedule(0.0, 0.5, 2.0)
    assert schedule.take(1.75) == (3, 0.5)
    assert schedule.wait(1.75) == 0.25


def test_a_long_stall_is_skipped_and_the_grid_is_kept() -> None:
    schedule = Schedule(0.0, 0.5, 2.0)
    assert schedule.take(60.25) == (1, 60.0)
    assert schedule.wait(60.25) == 0.25
