"""Tests the one place that decides what a viewer gets next, case by case."""

from __future__ import annotations

import gc
import json
import tracemalloc

import pytest

from dashboard.live import advance
from dashboard.live.advance import Cursor, Mode, Place, verdict
from dashboard.live.watch import Interest, Sieve, Watch
from dashboard.timeseries.ring import Ring
from dashboard.timeseries.tick import Ticks
from tests.unit.live.world import Source, Tick, Viewer, World

SECOND = 1000


def only(source: int = 1, *series: int, window: float = 0, points: int = 600) -> tuple[Interest, ...]:
    return (Interest(source, frozenset(series or (11,)), window, points),)


def tick(world: World, series: int = 11, *, age: int = 0, value: float | str = 1.0) -> Tick:
    return Tick(series, world.clock.ms - age, value, None)


@pytest.fixture
def world() -> World:
    return World([Source(1, ticks=500_000), Source(2, ticks=500_000)])


def rows_per_series(viewer: Viewer) -> dict[int, int]:
    """Counts the rows of the last snapshot."""
    counts: dict[int, int] = {}
    for frame in viewer.frames:
        if frame["t"] == "snap":
            counts = {} if frame["part"] == 1 else counts
            for series in frame["rows"]["i"]:
                counts[series] = counts.get(series, 0) + 1
    return counts


# --- the table of the protocol ---


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place(), "first"),
        (Place("other", 5), "epoch"),
        (Place("e", 11), "ahead"),
        (Place("e", 4), "trimmed"),
        (Place("e", 5), None),
        (Place("e", 10), None),
        (Place("e", 7), None),
    ],
)
def test_why_a_viewer_cannot_go_on(place: Place, expected: str | None) -> None:
    ring = Ring("e", ticks=5, seconds=900)
    ring.append(Ticks.of([1] * 10, [0] * 10, [1.0] * 10), 0)
    assert (ring.oldest, ring.head) == (6, 10)
    assert verdict(place, ring) == expected


# --- merging ---


def test_live_ticks_keep_to_their_seconds_even_when_one_tick_is_very_old(world: World) -> None:
    viewer = world.viewer()
    viewer.subscribe(1, only(), {})
    now = world.clock.ms // SECOND * SECOND
    ticks = [Tick(11, now - age, 1.0, None) for age in (1500, 1400, 999, 998, 2, 1, 0)]
    world.sources[1].publish([Tick(11, now - 900 * SECOND, 7.0, None), *ticks], world.clock.ms)
    world.clock.now += 1
    world.bell()
    rows = viewer.frames[-1]["d"][0]["rows"]
    seconds = [(rows["t0"] + offset) // SECOND for offset in rows["t"]]
    assert len(seconds) == len(set(seconds)) == 4, "a row for each second in which there was a tick"


def test_a_long_way_back_is_covered_in_rows_of_up_to_a_minute(world: World) -> None:
    viewer = world.viewer()
    viewer.subscribe(1, only(points=15), {})
    world.sources[1].publish([tick(world, age=age * 100) for age in range(9000, 0, -1)], world.clock.ms)
    world.clock.now += 1
    world.bell()
    part = viewer.frames[-1]["d"][0]
    assert part["n"] == 9000
    assert 15 <= len(part["rows"]["i"]) <= 16


def test_every_tick_means_every_tick_however_far_behind(world: World) -> None:
    viewer = world.viewer()
    viewer.subscribe(1, only(), {})
    viewer.set_rate(0)
    world.sources[1].publish([tick(world) for _ in range(20_000)], world.clock.ms)
    while viewer.spots[1].seq < 20_000:
        world.bell()
        viewer.process(100)
        viewer.ack()
    rows = [part["rows"] for frame in viewer.frames if frame["t"] == "d" for part in frame["d"]]
    assert sum(len(row["i"]) for row in rows) == 20_000
    assert all(len(json.dumps(row)) < 2 * advance.FRAME_BYTES for row in rows)


# --- quiet ranges ---


def test_a_range_that_holds_nothing_for_the_viewer_waits_for_the_heartbeat(world: World) -> None:
    viewer = world.viewer()
    viewer.subscribe(1, only(), {})
    before = len(viewer.frames)
    world.sources[1].publish([tick(world, 99) for _ in range(1000)], world.clock.ms)
    world.clock.now += 1
    world.bell()
    assert len(viewer.frames) == before
    world.clock.now += 10
    world.round()
    data, beat = viewer.frames[before:]
    assert (data["d"][0]["a"], data["d"][0]["b"], data["d"][0]["n"]) == (1, 1000, 0)
    assert beat["pos"] == {"1": ["e1-1", 1000]}


def test_a_long_quiet_range_is_told_without_waiting(world: World) -> None:
    viewer = world.viewer()
    viewer.subscribe(1, only(), {})
    world.sources[1].publish([tick(world, 99) for _ in range(advance.QUIET_TICKS + 1)], world.clock.ms)
    world.clock.now += 1
    world.bell()
    assert viewer.frames[-1]["d"][0]["n"] == 0
    assert viewer.spots[1].seq == advance.QUIET_TICKS + 1


# --- gaps ---


def test_what_was_trimmed_while_the_viewer_had_no_credit_is_called_slow(world: World) -> None:
    world = World([Source(1, ticks=50)])
    viewer = world.viewer()
    viewer.subscribe(1, only(), {})
    while not viewer.session.blocked:
        world.sources[1].publish([tick(world)], world.clock.ms)
        world.clock.now += 0.1
        world.bell()
    world.sources[1].publish([tick(world) for _ in range(100)], world.clock.ms)
    viewer.process(100)
    viewer.ack()
    assert [frame["why"] for frame in viewer.frames if frame["t"] == "gap"] == ["slow"]
    assert viewer.spots[1].seq == world.sources[1].ring.head


def test_two_gaps_in_a_row_and_the_ticks_after_them_come_in_one_go(world: World) -> None:
    viewer = world.viewer()
    viewer.subscribe(1, only(), {})
    source = world.sources[1]
    source.publish([tick(world)], world.clock.ms)
    source.miss(3, world.clock.ms)
    source.miss(2, world.clock.ms)
    source.publish([tick(world)], world.clock.ms)
    world.clock.now += 1
    world.bell()
    told = [(frame["t"], frame.get("a")) for frame in viewer.frames[1:]]
    assert told == [("d", None), ("gap", 2), ("gap", 5), ("d", None)]
    assert viewer.spots[1].seq == 7


# --- snapshots ---


def test_a_window_is_thinned_to_about_the_points_that_were_asked_for(world: World) -> None:
    world.sources[1].publish([tick(world, age=age * 100) for age in range(3000, 0, -1)], world.clock.ms)
    viewer = world.viewer()
    viewer.subscribe(1, only(window=300, points=60), {})
    assert 55 <= rows_per_series(viewer)[11] <= 65


def test_a_series_that_is_silent_for_a_day_does_not_coarsen_the_others(world: World) -> None:
    world.sources[1].publish([tick(world, 12, age=86_000_000)], world.clock.ms)
    world.sources[1].publish([tick(world, age=age * 100) for age in range(3000, 0, -1)], world.clock.ms)
    viewer = world.viewer()
    viewer.subscribe(1, only(1, 11, 12, window=300, points=60), {})
    assert 55 <= rows_per_series(viewer)[11] <= 65
    assert rows_per_series(viewer)[12] == 1


def test_the_last_value_of_a_silent_series_is_in_the_snapshot_though_its_tick_was_trimmed() -> None:
    world = World([Source(1, ticks=10)])
    world.sources[1].publish([tick(world, 12, value=3.25), tick(world, 13, value="closed")], world.clock.ms)
    world.sources[1].publish([tick(world) for _ in range(100)], world.clock.ms)
    viewer = world.viewer()
    viewer.subscribe(1, only(1, 11, 12, 13, 14), {})
    rows = viewer.frames[-1]["rows"]
    assert dict(zip(rows["i"], rows["v"], strict=True)) == {12: 3.25, 13: "closed", 11: 1.0}


def test_the_last_value_is_that_of_the_last_seq_even_if_its_time_is_old(world: World) -> None:
    ticks = [tick(world, age=10_000, value=1.0), tick(world, age=500_000, value=2.0)]
    world.sources[1].publish(ticks, world.clock.ms)
    viewer = world.viewer()
    viewer.subscribe(1, only(window=300), {})
    assert viewer.frames[-1]["rows"]["v"] == [1, 2]


def test_a_large_snapshot_comes_in_parts_that_fit_into_a_frame(world: World) -> None:
    world.sources[1].publish([tick(world, age=age, value=age / 7) for age in range(20_000, 0, -1)], world.clock.ms)
    viewer = world.viewer()
    viewer.subscribe(1, only(window=300, points=20_000), {})
    while viewer.session.blocked:
        viewer.process(100)
        viewer.ack()
    assert viewer.frames[-1]["part"] == viewer.frames[-1]["parts"] > 2
    assert viewer.spots[1].snaps == 1
    assert all(len(json.dumps(frame, separators=(",", ":"))) < advance.FRAME_BYTES + 200 for frame in viewer.frames)


def test_what_a_stalled_viewer_keeps_in_the_server_is_bounded() -> None:
    world = World([Source(number, ticks=50_000) for number in range(1, 41)])
    viewer = world.viewer()
    for source in world.sources.values():
        ticks = [Tick(11, world.clock.ms - 200_000 + n * 50, n * 1.5, 3.0) for n in range(4000)]
        source.publish(ticks, world.clock.ms)
    wanted = tuple(Interest(number, frozenset({11}), 300, 4000) for number in world.sources)
    viewer.subscribe(1, wanted, {})
    held = sum(map(len, viewer.session._waiting))
    assert viewer.session.blocked
    assert held < 512 * 1024
    for _ in range(100):
        for source in world.sources.values():
            source.publish([tick(world)], world.clock.ms)
        world.clock.now += 0.2
        world.bell()
    assert sum(map(len, viewer.session._waiting)) == held


def test_a_snapshot_that_finds_no_room_comes_with_the_next_step_and_not_with_the_next_tick(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advance, "FRAME_BYTES", 300)
    viewer = world.viewer()
    viewer.subscribe(1, (*only(1), *only(2)), {})
    world.sources[1].publish([tick(world, value=n + 0.5) for n in range(30)], world.clock.ms)
    world.clock.now += 1
    world.bell()
    viewer.process(100)
    viewer.ack()
    viewer.subscribe(2, (*only(1, 12, window=300), *only(2, 21)), {})
    assert viewer.spots[1].seq == 30
    assert [spot.snaps for spot in viewer.spots.values()] == [2, 2]


def test_a_stalled_viewer_costs_no_memory_as_the_line_grows() -> None:
    tracemalloc.start()
    world = World([Source(1, ticks=2000)])
    viewer = world.viewer()
    viewer.subscribe(1, only(), {})

    def minute() -> None:
        for _ in range(600):
            world.sources[1].ring.append(Ticks.of([11] * 24, [world.clock.ms] * 24, [1.0] * 24), world.clock.ms)
            world.clock.now += 0.1
            world.advancer.heads_moved()
            if not viewer.session.blocked and viewer.session.is_due(world.clock.now):
                viewer.session.serve(world.advancer.advance, world.clock.now)

    try:
        minute()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        minute()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 64 * 1024
    finally:
        tracemalloc.stop()
    assert viewer.session.blocked


# --- sharing ---


def test_viewers_at_the_same_place_get_the_same_frames_and_meet_at_one_cursor(world: World) -> None:
    watch = Watch.of(only())
    cursors = [Cursor({1: Place("e1-1", 0)}), Cursor({1: Place("e1-1", 0)})]
    mode = Mode(True, False, False)
    world.sources[1].publish([tick(world)], world.clock.ms)
    steps = [world.advancer.advance(watch, cursor, mode) for cursor in cursors]
    assert steps[0].cursor is steps[1].cursor
    world.sources[1].publish([tick(world)], world.clock.ms)
    world.advancer.heads_moved()
    again = [world.advancer.advance(watch, step.cursor, mode) for step in steps]
    assert again[0].frames[0] is again[1].frames[0]


def test_viewers_who_want_it_otherwise_do_not_share(world: World) -> None:
    cursor = Cursor({1: Place("e1-1", 0)})
    world.sources[1].publish([tick(world), tick(world)], world.clock.ms)
    merged = world.advancer.advance(Watch.of(only()), cursor, Mode(True, False, False))
    every = world.advancer.advance(Watch.of(only()), cursor, Mode(False, False, False))
    other = world.advancer.advance(Watch.of(only(1, 12)), cursor, Mode(True, False, True))
    assert [json.loads(step.frames[0].data)["d"][0]["rows"].get("k") for step in (merged, every, other)] == [
        [2],
        None,
        None,
    ]


def test_equal_watches_are_one_object_and_end_with_their_last_viewer() -> None:
    one, two = Watch.of((*only(1, 11), *only(2, 21))), Watch.of((*only(2, 21), *only(1, 11)))
    assert one is two
    assert Watch.of((*only(1, 11, window=5), *only(1, 12, points=9))).interests[1] == Interest(
        1, frozenset({11, 12}), 5, 600
    )
    assert Watch.of(()).interests == {}


def test_a_sieve_picks_its_series_and_nothing_else() -> None:
    ticks = Ticks.of([5, 6, 4_000_000_000, 0, 5], [1, 2, 3, 4, 5], [1.0, "x", 3.0, 4.0, "y"])
    picked = Sieve(frozenset({5})).pick(ticks)
    assert picked.times.tolist() == [1, 5]
    assert dict(picked.texts) == {1: "y"}
    assert len(Sieve(frozenset()).pick(ticks)) == 0
    assert len(Sieve(frozenset({7})).pick(ticks)) == 0
    assert dict(Sieve(frozenset({6})).pick(ticks).texts) == {0: "x"}


def test_those_for_whom_nothing_happens_are_one_cohort(world: World) -> None:
    viewers = [world.viewer() for _ in range(3)]
    for viewer in viewers:
        viewer.subscribe(1, only(), {1: ("e1-1", 0)})
    assert len({id(viewer.session.cursor) for viewer in viewers}) == 3
    world.bell()
    assert len({id(viewer.session.cursor) for viewer in viewers}) == 1


def test_all_who_look_at_the_same_share_a_heartbeat_and_it_names_the_heads_of_its_moment(world: World) -> None:
    ana, ben = world.viewer(), world.viewer()
    for viewer in (ana, ben):
        viewer.subscribe(1, only(), {})
    found = []
    for count in (3, 1):
        world.sources[1].publish([tick(world) for _ in range(count)], world.clock.ms)
        world.bell()
        found.append(world.advancer.heartbeat(ana.session.watch, world.clock.ms))
        assert world.advancer.heartbeat(ben.session.watch, world.clock.ms) is found[-1]
    assert [json.loads(frame.data)["pos"]["1"][1] for frame in found] == [3, 4]
    assert found[0].token != found[1].token
