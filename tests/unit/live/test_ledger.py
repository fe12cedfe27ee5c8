"""Tests that what a viewer gets tiles the line of seqs, whatever happens to him: the promise of the whole site."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dashboard.live import advance
from dashboard.live.session import SLACK
from dashboard.live.watch import Interest
from dashboard.timeseries import ring
from tests.unit.live.world import Source, Tick, World, limits

SERIES = {1: (11, 12, 13, 14), 2: (21, 22), 3: (31,)}
TEXTS = {14, 22}
# Small numbers, so that blocks end, frames fill up, steps end and credit runs out within a few ticks.
SMALL = {
    "STEP_TICKS": 60,
    "STEP_TICKS_UNMERGED": 50,
    "FRAME_BYTES": 900,
    "SNAPSHOT_ROWS": 60,
    "QUIET_TICKS": 25,
}


def draw_ticks(source: int, count: int, seed: int, now: int) -> list[Tick]:
    """Makes ticks, mostly of the present, some of long ago, in no order of time, one series busier than the others."""
    dice = random.Random(seed)
    ticks = []
    for _ in range(count):
        series = dice.choice((*SERIES[source], SERIES[source][0], SERIES[source][0]))
        age = dice.choice((0, 0, 0, dice.randrange(300), dice.randrange(3000), dice.randrange(400_000)))
        value: float | str = f"state {dice.randrange(4)} \u26a0" if series in TEXTS else float(dice.randrange(-50, 50))
        volume = None if series in TEXTS or dice.random() < 0.3 else float(dice.randrange(9))
        ticks.append(Tick(series, now - age, value, volume))
    return ticks


sources = st.sampled_from([1, 2, 3])
who = st.integers(0, 1)


@st.composite
def interests(draw: Any) -> tuple[Interest, ...]:
    chosen = draw(st.sets(sources, min_size=1))
    window, points = draw(st.sampled_from([(0, 5), (60, 3), (300, 10), (300, 600)]))
    return tuple(
        Interest(src, frozenset(draw(st.sets(st.sampled_from(SERIES[src]), min_size=1))), window, points)
        for src in sorted(chosen)
    )


class Ledger(RuleBasedStateMachine):
    """Two viewers, three sources, and everything that may go wrong between them."""

    @initialize(frames=st.sampled_from([8, 12, 64]), size=st.sampled_from([9_000, 262_144]))
    def begin(self, frames: int, size: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(ring, "BLOCK", 16)
        self.patch.setattr(advance.logger, "disabled", True)
        for name, number in SMALL.items():
            self.patch.setattr(advance, name, number)
        kept = limits(credit_frames=frames, credit_bytes=size)
        self.world = World([Source(1, ticks=150), Source(2, ticks=40, seconds=120), Source(3, seconds=20)], kept)
        self.viewers = [self.world.viewer(), self.world.viewer()]

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                if not self.world.failed:
                    self.all_get_home()
            finally:
                self.patch.undo()

    def all_get_home(self) -> None:
        """In the end a viewer who listens and acknowledges has everything, and is owed nothing."""
        world = self.world
        for viewer in self.viewers:
            viewer.session.visible, viewer.session.paused = True, False
        for _ in range(400):
            world.clock.now += 0.05
            for viewer in self.viewers:
                viewer.process(10_000)
                viewer.ack()
            world.bell()
        for viewer in self.viewers:
            assert not viewer.session.blocked
        world.clock.now += 10
        world.round()
        for viewer in self.viewers:
            for src, spot in viewer.spots.items():
                assert (spot.epoch, spot.seq) == (world.sources[src].ring.epoch, world.sources[src].ring.head)

    # --- the sources ---

    @rule(src=sources, count=st.integers(0, 70), seed=st.integers(0, 2**16), rung=st.booleans())
    def ticks_come(self, src: int, count: int, seed: int, rung: bool) -> None:
        self.world.sources[src].publish(draw_ticks(src, count, seed, self.world.clock.ms), self.world.clock.ms)
        if rung:
            self.world.bell([src])

    @rule(src=sources, head=st.sampled_from([0, 0, 3, 500]))
    def the_log_begins_anew(self, src: int, head: int) -> None:
        self.world.sources[src].new_epoch(head)
        self.world.bell([src])

    @rule(src=sources, count=st.integers(1, 30))
    def the_log_loses_its_end(self, src: int, count: int) -> None:
        self.world.sources[src].lose(count)
        self.world.bell([src])

    @rule(src=sources, count=st.integers(1, 20))
    def ticks_are_lost(self, src: int, count: int) -> None:
        self.world.sources[src].miss(count, self.world.clock.ms)
        self.world.bell([src])

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.3, 1.0, 1.0, 7.0, 31.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.now += seconds
        self.world.bell()
        self.world.round()

    # --- the viewers ---

    # What has begun is not taken back: while the rest of a step waits for credit, frames of a subscription that has
    # just ended may follow. The rules below leave that case out.

    @rule(v=who, sub=st.integers(1, 3), wanted=interests(), known=st.booleans())
    def subscribes(self, v: int, sub: int, wanted: tuple[Interest, ...], known: bool) -> None:
        viewer = self.viewers[v]
        if not viewer.session.blocked:
            viewer.subscribe(sub, wanted, viewer.processed if known else {})

    @rule(v=who, wanted=interests(), seq=st.integers(0, 400), epoch=st.sampled_from(["", "e1-1", "e2-1", "nonsense"]))
    def subscribes_from_anywhere(self, v: int, wanted: tuple[Interest, ...], seq: int, epoch: str) -> None:
        viewer = self.viewers[v]
        if not viewer.session.blocked:
            viewer.subscribe(1, wanted, {interest.source: (epoch, seq) for interest in wanted})

    @precondition(lambda self: any(viewer.subs for viewer in self.viewers))
    @rule(v=who, wanted=interests())
    def is_granted_something_else(self, v: int, wanted: tuple[Interest, ...]) -> None:
        viewer = self.viewers[v]
        if viewer.subs and not viewer.session.blocked:
            viewer.regrant(min(viewer.subs), wanted)

    @rule(v=who)
    def unsubscribes(self, v: int) -> None:
        viewer = self.viewers[v]
        if viewer.subs and not viewer.session.blocked:
            viewer.unsubscribe(max(viewer.subs))

    @rule(v=who, count=st.integers(0, 30), acks=st.booleans())
    def applies(self, v: int, count: int, acks: bool) -> None:
        self.viewers[v].process(count)
        if acks:
            self.viewers[v].ack()

    @rule(v=who)
    def loses_the_line(self, v: int) -> None:
        self.viewers[v].reconnect()

    @rule(v=who, rate=st.sampled_from([0, 0.2, 2, 20]))
    def sets_a_rate(self, v: int, rate: float) -> None:
        self.viewers[v].set_rate(rate)

    @rule(v=who, visible=st.booleans())
    def hides_or_shows(self, v: int, visible: bool) -> None:
        self.viewers[v].show(visible)

    @rule(v=who, on=st.booleans())
    def pauses_or_goes_on(self, v: int, on: bool) -> None:
        self.viewers[v].pause(on)

    @invariant()
    def credit_is_counted_alike_on_both_sides(self) -> None:
        for viewer in getattr(self, "viewers", ()):
            assert [sent[:2] for sent in viewer.session._flight] == list(viewer.unacked)
            assert viewer.session._flight_bytes == sum(size for _, size in viewer.unacked)

    @invariant()
    def a_schedule_is_never_further_away_than_its_period(self) -> None:
        for viewer in getattr(self, "viewers", ()):
            period = 1 / viewer.session.rate if viewer.session.rate else 0.0
            assert viewer.session.due <= self.world.clock.now + max(period, 5.0) + SLACK + 0.01


def test_rows_of_a_catch_up_that_is_cut_short_are_no_longer_than_the_rest_of_it_asks_for() -> None:
    ledger = Ledger()
    try:
        ledger.begin(frames=8, size=9000)
        ledger.time_passes(seconds=1.0)
        wanted = tuple(
            Interest(source, frozenset(series), 300, 10) for source, series in ((1, (12, 14)), (2, (21,)), (3, (31,)))
        )
        ledger.subscribes(known=False, sub=1, v=0, wanted=wanted)
        ledger.ticks_come(count=49, rung=False, seed=65536, src=1)
        ledger.ticks_come(count=24, rung=False, seed=0, src=2)
        ledger.sets_a_rate(rate=0.2, v=0)
    finally:
        ledger.teardown()


TestLedger = Ledger.TestCase
TestLedger.settings = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
