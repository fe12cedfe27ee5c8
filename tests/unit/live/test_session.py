"""Tests one viewer: what he asks for, what he may take, when it is his turn, and why he has to go."""

from __future__ import annotations

import pytest

from dashboard.live import advance
from dashboard.live.session import SLACK, Allowance, Session
from dashboard.live.watch import Interest
from dashboard.protocol import frames
from dashboard.protocol.close_codes import CloseCode
from tests.unit.live.world import LIMITS, Source, Tick, Viewer, World, limits


def interest(source: int = 1, *series: int, window: float = 0, points: int = 600) -> tuple[Interest, ...]:
    return (Interest(source, frozenset(series or (11,)), window, points),)


def publish(world: World, count: int = 1, source: int = 1, series: int = 11) -> None:
    now = world.clock.ms
    world.sources[source].publish([Tick(series, now, float(n), None) for n in range(count)], now)


@pytest.fixture
def world() -> World:
    return World([Source(1, ticks=100_000), Source(2, ticks=100_000)])


@pytest.fixture
def viewer(world: World) -> Viewer:
    viewer = world.viewer()
    viewer.subscribe(1, interest(), {})
    viewer.process(10)
    viewer.ack()
    return viewer


def data_frames(viewer: Viewer) -> int:
    return sum(frame["t"] == "d" for frame in viewer.frames)


# --- his turn ---


@pytest.mark.parametrize("rate", [0.2, 1, 2, 7, 20])
def test_a_viewer_gets_as_many_frames_a_second_as_he_asked_for(world: World, viewer: Viewer, rate: float) -> None:
    viewer.set_rate(rate)
    per_second = []
    for _ in range(60):
        before = data_frames(viewer)
        for _ in range(20):
            publish(world)
            world.bell()
            viewer.process(100)
            viewer.ack()
            world.clock.now += 0.05
        per_second.append(data_frames(viewer) - before)
    assert sum(per_second) == pytest.approx(60 * rate, abs=2)
    assert max(per_second) <= rate + 1


def test_the_schedule_does_not_drift_when_the_doorbell_is_a_little_early_or_late(world: World, viewer: Viewer) -> None:
    viewer.set_rate(2)
    start = viewer.session.due
    for n in range(1000):
        publish(world)
        world.clock.now = start + n * 0.5 + (-0.004, 0.0, 0.003, 0.049)[n % 4]
        world.bell()
        viewer.process(10)
        viewer.ack()
    assert viewer.session.due == pytest.approx(start + 1000 * 0.5, abs=0.06)


@pytest.mark.parametrize("offset", [0.0, 0.01, 0.025, 0.04, 0.049])
def test_whoever_takes_every_flush_is_served_by_every_doorbell_wherever_his_schedule_lies(
    world: World, viewer: Viewer, offset: float
) -> None:
    viewer.set_rate(20)
    publish(world)
    world.clock.now += 1
    world.bell()
    viewer.process(10)
    viewer.ack()
    world.clock.now = viewer.session.due + offset
    before, begun = data_frames(viewer), world.clock.now
    for n in range(200):
        publish(world)
        world.clock.now = begun + n * 0.05
        world.bell()
        viewer.process(10)
        viewer.ack()
    assert data_frames(viewer) - before == 200


def test_a_long_wait_earns_no_burst(world: World, viewer: Viewer) -> None:
    viewer.set_rate(2)
    world.clock.now += 60
    before = data_frames(viewer)
    for _ in range(20):
        publish(world)
        world.bell()
        world.clock.now += 0.05
    assert data_frames(viewer) - before <= 3


def test_frames_out_of_turn_do_not_add_up_to_a_silence(world: World, viewer: Viewer) -> None:
    viewer.set_rate(0.2)
    for _ in range(10):
        publish(world)
        world.advancer.heads_moved()
        viewer.pause(True)
        viewer.pause(False)
    assert viewer.session.due <= world.clock.now + 5 + SLACK + 0.01


# --- on screen or not ---


def test_a_hidden_page_gets_nothing_and_everything_when_it_is_back(world: World, viewer: Viewer) -> None:
    viewer.show(False)
    before = len(viewer.frames)
    for _ in range(30):
        publish(world, 10)
        world.clock.now += 1
        world.bell()
    assert len(viewer.frames) == before
    viewer.show(True)
    assert viewer.spots[1].seq == 300


def test_a_paused_page_stands_still_and_still_hears_where_the_head_is(world: World, viewer: Viewer) -> None:
    viewer.pause(True)
    publish(world, 5)
    world.clock.now += 10
    world.bell()
    world.round()
    assert viewer.frames[-1]["t"] == "hb"
    assert viewer.frames[-1]["pos"] == {"1": ["e1-1", 5]}
    assert viewer.spots[1].seq == 0
    viewer.pause(False)
    assert viewer.spots[1].seq == 5


@pytest.mark.parametrize("leave", [Viewer.show, Viewer.pause])
def test_the_rest_of_a_snapshot_waits_for_a_page_that_looks_away(
    leave: object, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advance, "FRAME_BYTES", 500)
    world = World([Source(1, ticks=10_000)], limits(credit_frames=8))
    publish(world, 2000)
    viewer = world.viewer()
    viewer.subscribe(1, interest(window=300, points=2000), {})
    assert viewer.session.blocked
    sent = len(viewer.frames)
    away, back = (False, True) if leave is Viewer.show else (True, False)
    leave(viewer, away)  # type: ignore[operator]
    viewer.process(100)
    viewer.ack()
    assert len(viewer.frames) == sent
    leave(viewer, back)  # type: ignore[operator]
    for _ in range(200):
        viewer.process(100)
        viewer.ack()
    assert viewer.spots[1].snaps == 1
    assert not viewer.session.blocked


# --- credit ---


def test_without_acknowledgement_a_viewer_gets_his_credit_and_no_more(world: World, viewer: Viewer) -> None:
    for _ in range(400):
        publish(world)
        world.bell()
        world.clock.now += 0.05
    assert len(viewer.unacked) == LIMITS.credit_frames - 4
    assert viewer.session.blocked
    assert viewer.spots[1].seq < 400


def test_when_credit_returns_one_frame_takes_the_viewer_to_the_head(world: World, viewer: Viewer) -> None:
    for _ in range(400):
        publish(world)
        world.bell()
        world.clock.now += 0.05
    viewer.process(1000)
    before = len(viewer.frames)
    viewer.ack()
    assert len(viewer.frames) == before + 1
    assert viewer.spots[1].seq == 400


def test_a_viewer_who_acknowledges_a_little_less_than_he_gets_has_to_go_before_he_is_over_his_limits() -> None:
    world = World([Source(1, ticks=1000)])
    viewer = world.viewer()
    viewer.subscribe(1, interest(), {})
    # The world fails as soon as more is on its way than the limits say.
    for _ in range(3600):
        publish(world, 2)
        world.clock.now += 1
        world.bell()
        world.round()
        if int(world.clock.now) % 29 == 0:
            viewer.process(1)
            viewer.ack()
    assert CloseCode.TOO_SLOW in viewer.verdicts


def test_heartbeats_that_name_many_sources_stay_within_the_credit() -> None:
    world = World([Source(number) for number in range(1, 401)])
    viewer = world.viewer()
    viewer.subscribe(1, tuple(Interest(number, frozenset({11}), 0, 600) for number in world.sources), {})
    for _ in range(29):
        for source in world.sources:
            publish(world, 30, source)
        world.clock.now += 1
        world.bell()
        world.round()
    assert viewer.verdicts == []
    assert sum(frame["t"] == "hb" for frame in viewer.frames) == 2


def test_a_viewer_whose_want_went_away_while_he_was_out_of_credit_is_served_again(world: World) -> None:
    world = World([Source(1), Source(2)], limits(credit_frames=6))
    viewer = world.viewer()
    viewer.subscribe(1, interest(1), {})
    viewer.subscribe(2, interest(2, 21), {})
    for _ in range(5):
        publish(world, 1, 2, 21)
        world.clock.now += 0.1
        world.bell()
    assert viewer.session.starved
    viewer.unsubscribe(2)
    viewer.process(100)
    viewer.ack()
    publish(world)
    world.clock.now += 0.1
    world.bell()
    assert viewer.spots[1].seq == 1


def test_an_acknowledgement_returns_everything_up_to_its_token(world: World, viewer: Viewer) -> None:
    for _ in range(5):
        publish(world)
        world.bell()
        world.clock.now += 0.05
    tokens = [token for token, _ in viewer.unacked]
    assert viewer.session.ack(tokens[2], world.clock.now)
    assert [sent.token for sent in viewer.session._flight] == tokens[3:]
    assert viewer.session.ack(tokens[2], world.clock.now), "the last token again is no error"
    assert not viewer.session.ack(tokens[0], world.clock.now)
    assert not viewer.session.ack("nonsense", world.clock.now)


# --- deadlines ---


def test_who_does_not_say_hello_in_time_has_to_go() -> None:
    session = Session("s", LIMITS, 0.0, 1e9)
    assert session.verdict(4.99) is None
    assert session.verdict(5.0) is CloseCode.NO_HELLO


def test_thirty_seconds_without_acknowledgement_are_too_slow_only_while_something_is_on_its_way(
    world: World, viewer: Viewer
) -> None:
    session = viewer.session
    world.clock.now += 29
    session.heard(world.clock.now)
    assert session.verdict(world.clock.now + 5) is None
    publish(world)
    world.bell()
    assert session.verdict(world.clock.now + 29.9) is None
    assert session.verdict(world.clock.now + 30) is CloseCode.TOO_SLOW


def test_an_acknowledgement_of_anything_gives_another_thirty_seconds(world: World, viewer: Viewer) -> None:
    for _ in range(4):
        publish(world)
        world.bell()
        world.clock.now += 0.1
    world.clock.now += 29
    viewer.process(1)
    viewer.ack()
    assert viewer.session.verdict(world.clock.now + 29) is None
    assert viewer.session.verdict(world.clock.now + 30) is CloseCode.TOO_SLOW


def test_silence_ends_a_connection(world: World, viewer: Viewer) -> None:
    assert viewer.session.verdict(world.clock.now + 34.9) is None
    assert viewer.session.verdict(world.clock.now + 35) is CloseCode.TOO_SLOW


def test_age_ends_a_connection() -> None:
    session = Session("s", LIMITS, 0.0, 100.0)
    session.greeted = True
    session.heard(99.0)
    assert session.verdict(99.9) is None
    assert session.verdict(100.0) is CloseCode.AGE


def test_a_heartbeat_is_due_only_after_the_hello_and_every_ten_seconds() -> None:
    session = Session("s", LIMITS, 0.0, 1e9)
    assert not session.beat_due(100.0)
    session.greeted = True
    assert session.beat_due(10.0)
    session.beat(frames.heartbeat(0, {}), 10.0)
    assert not session.beat_due(19.9)
    assert session.beat_due(20.0)


def test_the_third_strike_is_one_too_many() -> None:
    session = Session("s", LIMITS, 0.0, 1e9)
    assert [session.strike() for _ in range(3)] == [False, False, True]


def test_the_allowance_lets_a_burst_pass_and_then_so_many_a_second() -> None:
    allowance = Allowance(20, 40, 40, 0.0)
    assert sum(allowance.take(0.0) for _ in range(100)) == 40
    assert sum(allowance.take(0.5) for _ in range(100)) == 10
    assert sum(allowance.take(1000.0) for _ in range(100)) == 40


# --- subscriptions ---


def test_a_second_subscription_of_the_same_source_brings_a_snapshot_of_all_it_shows(world: World) -> None:
    viewer = world.viewer()
    publish(world, 3, 1, 11)
    publish(world, 3, 1, 12)
    viewer.subscribe(1, interest(1, 11), {})
    assert viewer.frames[-1]["rows"]["i"] == [11]
    viewer.subscribe(2, interest(1, 12), {})
    assert viewer.frames[-1]["t"] == "snap"
    assert set(viewer.frames[-1]["rows"]["i"]) == {11, 12}
    assert viewer.spots[1].snaps == 2


def test_a_second_subscription_first_gets_what_lies_before_its_snapshot(world: World, viewer: Viewer) -> None:
    publish(world, 10)
    viewer.subscribe(2, interest(1, 12), {})
    assert [frame["t"] for frame in viewer.frames[-2:]] == ["d", "snap"]
    assert viewer.frames[-1]["seq"] == 10


def test_a_new_grant_of_known_series_needs_no_snapshot(world: World, viewer: Viewer) -> None:
    viewer.regrant(1, interest(1, 11))
    assert viewer.spots[1].snaps == 1
    viewer.regrant(1, interest(1, 11, 12))
    assert viewer.spots[1].snaps == 2


def test_what_is_no_longer_subscribed_is_no_longer_sent(world: World, viewer: Viewer) -> None:
    viewer.subscribe(2, interest(2, 21), {})
    viewer.unsubscribe(1)
    assert not viewer.session.unsubscribe(1)
    publish(world, 5, 1)
    publish(world, 5, 2, 21)
    world.clock.now += 1
    world.bell()
    assert [part["src"] for part in viewer.frames[-1]["d"]] == [2]
