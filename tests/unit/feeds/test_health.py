from __future__ import annotations

from dashboard.feeds.health import Health, Instant, Pulse
from dashboard.feeds.tally import Tally

WALL = 1_795_000_000_000


class Clock:
    """A fake clock: `at(3.5)` is 3.5 s after the start."""

    def at(self, seconds: float) -> Instant:
        return Instant(WALL + int(seconds * 1000), 50_000 + int(seconds * 1000))


clock = Clock()


def pulse(cadence: float = 1.0) -> Pulse:
    return Pulse(cadence, clock.at(0))


def ticking(cadence: float = 1.0, seconds: int = 10, count: int = 1) -> Pulse:
    one = pulse(cadence)
    for second in range(1, seconds + 1):
        one.ticked(count, clock.at(second).wall, clock.at(second))
        one.health(clock.at(second))
    return one


def nan(number: int = 1) -> Tally:
    tally = Tally()
    tally.add("not a finite number", number, "AAPL")
    return tally


def test_a_source_starts_then_lives() -> None:
    one = pulse()
    assert one.health(clock.at(0.5)) == Health("starting", WALL)
    one.ticked(3, WALL + 900, clock.at(1))
    health = one.health(clock.at(1))
    assert (health.state, health.since, health.last) == ("live", WALL + 1000, WALL + 900)


def test_it_is_late_when_overdue_by_half_a_cadence_and_a_second() -> None:
    one = ticking(cadence=4.0, seconds=10)
    assert one.health(clock.at(17.0)).state == "live"
    late = one.health(clock.at(17.1))
    assert (late.state, late.since) == ("late", WALL + 17_100)
    assert late.msg == "no tick for 7 s, one is due every 4 s"
    one.ticked(1, clock.at(18).wall, clock.at(18))
    assert one.health(clock.at(18)).state == "live"


def test_a_source_that_gives_its_past_is_starting_for_as_long_as_that_takes() -> None:
    one = pulse()
    one.recalling(True, clock.at(0))
    health = one.health(clock.at(30))
    assert (health.state, health.msg) == ("starting", "giving its past")
    one.recalling(False, clock.at(30))
    assert one.health(clock.at(32)).state == "starting"
    assert one.health(clock.at(33)).state == "late", "and then it should tick"


def test_a_source_that_never_ticked_is_late_too_unless_it_waits_for_others() -> None:
    one, waiting = pulse(), pulse()
    waiting.by_itself = False
    assert one.health(clock.at(2.6)).state == "late"
    health = waiting.health(clock.at(3600))
    assert (health.state, health.msg) == ("starting", "waiting for the first tick")


def test_lateness_of_a_worker_that_takes_nothing_is_not_blamed_on_the_feed() -> None:
    one = ticking()
    one.held = True
    assert one.health(clock.at(15)).msg == "ticks have been waiting for the worker for up to 5 s"


def test_a_failure_is_down_with_a_countdown_until_it_ticks_again() -> None:
    one = ticking()
    one.failed("HTTP 503", clock.at(14).steady, clock.at(11))
    down = one.health(clock.at(11))
    assert (down.state, down.hz, down.msg) == ("down", 0.0, "HTTP 503; next try in 3 s")
    assert one.health(clock.at(13)).msg == "HTTP 503; next try in 1 s"
    one.trying(clock.at(14))
    assert one.health(clock.at(14)) == Health("down", WALL + 11_000, WALL + 10_000, 0.0, "HTTP 503", 0)
    one.ticked(1, clock.at(15).wall, clock.at(15))
    assert one.health(clock.at(15)).state == "live"


def test_the_rate_after_a_failure_is_not_that_of_before() -> None:
    one = ticking(count=1000)
    one.failed("HTTP 503", None, clock.at(10))
    one.ticked(1, clock.at(11).wall, clock.at(11))
    assert one.health(clock.at(11)).hz < 2


def test_a_failure_that_is_not_tried_again_promises_nothing() -> None:
    one = pulse()
    one.failed("config: rate: Field required", None, clock.at(1))
    assert one.health(clock.at(99)).msg == "config: rate: Field required"


def test_it_is_degraded_while_some_ticks_are_refused_and_for_ten_seconds_after() -> None:
    one = pulse()
    for second in range(1, 31):
        if second <= 12:
            one.refused(nan(), clock.at(second))
        one.ticked(1, clock.at(second).wall, clock.at(second))
        health = one.health(clock.at(second))
        assert health.state == ("degraded" if second <= 22 else "live"), second
        assert health.refused == min(second, 12)
        if second == 12:
            assert health.msg == "12 ticks refused: not a finite number (AAPL)"
    one.refused(nan(2), clock.at(31))
    one.ticked(1, clock.at(31).wall, clock.at(31))
    # The message counts anew, the total does not.
    assert one.health(clock.at(31)).msg.startswith("2 ticks refused")
    assert one.health(clock.at(31)).refused == 14


def test_when_all_ticks_are_refused_it_is_late_and_says_why() -> None:
    one = pulse()
    for second in range(1, 6):
        one.refused(nan(), clock.at(second))
    health = one.health(clock.at(5))
    assert health.state == "late"
    assert health.msg == "no tick for 5 s, one is due every 1 s; 5 ticks refused: not a finite number (AAPL)"


def test_the_rate_is_right_soon_and_stays_right() -> None:
    one = pulse(0.1)
    for step in range(1, 301):
        one.ticked(24, clock.at(step / 10).wall, clock.at(step / 10))
        if step in (10, 50, 300):
            assert abs(one.health(clock.at(step / 10)).hz - 240) < 8, step


def test_the_rate_of_a_slow_source_is_not_that_of_its_first_second() -> None:
    one = pulse(60.0)
    one.ticked(1, clock.at(1).wall, clock.at(1))
    assert one.health(clock.at(1)).hz < 0.02


def test_the_rate_fades_when_ticks_stop() -> None:
    one = ticking(count=10)
    assert one.health(clock.at(30)).hz < 0.5


def test_a_tick_from_the_future_is_not_seen_in_the_future() -> None:
    one = pulse()
    one.ticked(1, WALL + 30_000, clock.at(1))
    assert one.health(clock.at(1)).last == WALL + 1000


def test_stopped_is_the_end() -> None:
    one = ticking()
    one.stopped("switched off")
    health = one.health(clock.at(11))
    assert (health.state, health.hz, health.msg, health.last) == ("stopped", 0.0, "switched off", WALL + 10_000)


def test_a_new_state_is_reported_at_once_with_the_earlier_one() -> None:
    one = pulse()
    first = one.report(clock.at(0))
    assert first is not None
    assert (first.health.state, first.before) == ("starting", None)
    one.ticked(1, WALL + 100, clock.at(0.1))
    second = one.report(clock.at(0.1))
    assert second is not None
    assert (second.health.state, second.before) == ("live", "starting")


def test_other_news_is_reported_once_a_second_and_no_news_never() -> None:
    one = pulse(0.1)
    reports = []
    for step in range(0, 100):
        if step <= 50:
            one.ticked(1, clock.at(step / 10).wall, clock.at(step / 10))
        reports.append(one.report(clock.at(step / 10)))
    times = [step / 10 for step, report in enumerate(reports) if report]
    assert times[:5] == [0.0, 1.0, 2.0, 3.0, 4.0]
    idle = pulse()
    idle.by_itself = False
    assert [bool(idle.report(clock.at(second))) for second in range(60)] == [True] + [False] * 59


def test_health_lasts_from_the_first_tick_of_a_run_to_its_failure() -> None:
    one = ticking(seconds=10)
    assert one.healthy_for(clock.at(10)) == 9.0
    one.failed("gone", clock.at(12).steady, clock.at(11))
    assert one.healthy_for(clock.at(12)) == 0.0
