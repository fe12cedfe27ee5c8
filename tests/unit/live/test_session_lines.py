"""Tests what a session makes of a line: what a slow one gets is new, and a quick one is held for slow by nobody."""

from __future__ import annotations

from collections import deque

import pytest

from dashboard.live.session import LEAST_BYTES
from tests.unit.live.test_session import data_frames, interest
from tests.unit.live.world import LIMITS, Source, Tick, Viewer, World

SERIES = tuple(range(11, 71))
STEP = 0.05
# Each series ticks with every step.
TICKS_A_SECOND = int(len(SERIES) / STEP)


class Line:
    """Carries so many bytes a second to a viewer, who acknowledges as he is told; `delay` is half of a round trip."""

    def __init__(self, world: World, rate: float, *, carries: float = 1e9, delay: float = 0.0) -> None:
        self.world, self.carries, self.delay = world, carries, delay
        self.viewer: Viewer = world.viewer()
        self.viewer.subscribe(1, interest(1, *SERIES), {})
        self.viewer.set_rate(rate)
        self.room = 0.0
        # Frames that have been sent, and when each has crossed the line; acknowledgements, and when each arrives.
        self.sent: deque[float] = deque()
        self.acks: deque[float] = deque()
        self.unacked = 0
        self.acked_at = world.clock.now
        self.ages: list[float] = []

    def pass_time(self, seconds: float, patience: float, most: int = 16) -> None:
        """Acknowledges after `most` frames and after `patience` seconds, whichever comes first."""
        clock, viewer = self.world.clock, self.viewer
        for _ in range(round(seconds / STEP)):
            now = clock.ms
            self.world.sources[1].publish(
                [Tick(series, now, 10_000 + now % 9_973 + series / 100, None) for series in SERIES], now
            )
            self.world.bell()
            self.world.round()
            self._carry()
            if self.acks and clock.now >= self.acks[0]:
                self.acks.popleft()
                viewer.ack()
            elif self.unacked and (self.unacked >= most or clock.now - self.acked_at >= patience):
                self.acks.append(clock.now + self.delay)
                self.unacked, self.acked_at = 0, clock.now
            head = self.world.sources[1].ring.head
            self.ages.append((head - viewer.processed.get(1, ("", 0))[1]) / TICKS_A_SECOND)
            clock.now += STEP

    def _carry(self) -> None:
        inbox, now = self.viewer.inbox, self.world.clock.now
        self.sent += [now + self.delay] * (len(inbox) - len(self.sent))
        self.room = self.room + self.carries * STEP if inbox else 0.0
        while inbox and self.sent[0] <= now and inbox[0].size <= self.room:
            self.room -= inbox[0].size
            self.sent.popleft()
            self.viewer.process(1)
            self.unacked += 1


@pytest.fixture
def world() -> World:
    return World([Source(1, ticks=100_000)])


@pytest.mark.parametrize("carries", [10_000, 14_000])
def test_a_slow_line_gets_what_is_new(world: World, carries: int) -> None:
    """Twice as much is to be seen over it. Without a measure of the line 256 KiB would be on their way."""
    line = Line(world, 20, carries=carries)
    line.pass_time(10, patience=1)
    line.ages.clear()
    line.pass_time(20, patience=1)
    assert max(line.ages) <= 2
    assert not line.viewer.verdicts


@pytest.mark.parametrize(("patience", "rate"), [(1, 0.2), (1, 1), (1, 20), (10, 0.2), (10, 1), (10, 20)])
def test_whoever_acknowledges_late_but_honestly_gets_every_frame(world: World, patience: float, rate: float) -> None:
    """He has received what he does not acknowledge yet: that is his leisure, and not a slow line."""
    line = Line(world, rate, delay=0.2)
    line.pass_time(5, patience)
    before = data_frames(line.viewer)
    line.pass_time(30, patience)
    assert data_frames(line.viewer) - before >= 30 * rate - 1
    assert line.viewer.session._line_bytes == LIMITS.credit_bytes


def test_a_line_that_is_quick_again_gets_every_frame_soon(world: World) -> None:
    line = Line(world, 20, carries=10_000)
    line.pass_time(20, patience=1)
    assert LEAST_BYTES <= line.viewer.session._line_bytes < 20_000
    line.carries = 1e9
    line.pass_time(15, patience=1)
    before = data_frames(line.viewer)
    line.pass_time(10, patience=1)
    assert data_frames(line.viewer) - before == pytest.approx(200, abs=2)


def test_a_line_that_carries_nearly_nothing_still_gets_a_frame_now_and_then(world: World) -> None:
    line = Line(world, 20, carries=4_000)
    line.pass_time(30, patience=1)
    before = data_frames(line.viewer)
    line.pass_time(30, patience=1)
    assert data_frames(line.viewer) - before >= 3
    assert not line.viewer.verdicts
