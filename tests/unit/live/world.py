"""Holds a small world for the live room: sources with a true record of every tick, and viewers who check the wire.

The rules are those of docs/protocol.md, written down a second time. Nothing of the code under test is used to judge it.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from dashboard.live import advance
from dashboard.live.advance import Advancer, Cursor, Mode, Place, Step
from dashboard.live.session import Limits, Session
from dashboard.live.watch import Interest, Watch
from dashboard.protocol.frames import Frame
from dashboard.timeseries.ring import Ring
from dashboard.timeseries.tick import LOST, Ticks

# Milliseconds since 1970 at which the worlds begin.
BEGIN = 1_795_361_835_000

LIMITS = Limits(
    frame_bytes=16_384,
    rate=20.0,
    subs=64,
    credit_bytes=262_144,
    credit_frames=64,
    ack_seconds=30.0,
    messages_per_second=20.0,
    messages_burst=40,
    heartbeat_seconds=10.0,
    silence_seconds=35.0,
    hello_seconds=5.0,
    socket_seconds=12 * 3600.0,
    window_seconds=900.0,
)


class Tick(NamedTuple):
    """What really happened; `value` a number or a text."""

    series: int
    time: int
    value: float | str
    volume: float | None


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return BEGIN / 1000 + self.now - 1000.0

    @property
    def ms(self) -> int:
        return int(self.wall() * 1000)


class Source:
    """A ring, and beside it the plain list of everything that was ever put into it."""

    def __init__(self, number: int, *, ticks: int = 200, seconds: float = 900) -> None:
        self.number = number
        self.ring = Ring(f"e{number}-1", ticks=ticks, seconds=seconds)
        self.truth: list[Tick] = []
        self.lasts: dict[int, Tick] = {}
        self.epochs = 1

    def publish(self, ticks: Iterable[Tick], now: int) -> None:
        rows = list(ticks)
        self.truth.extend(rows)
        self.lasts |= {tick.series: tick for tick in rows}
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
        self.ring.append(Ticks.of(*columns), now)

    def miss(self, count: int, now: int) -> None:
        """Notes ticks that the source gave and nobody got."""
        self.truth.extend(Tick(LOST, now, 0.0, None) for _ in range(count))
        self.ring.lose(count, "source", now - 1000, now, now)

    def new_epoch(self, head: int = 0) -> None:
        self.epochs += 1
        self.truth, self.lasts = [Tick(0, 0, 0.0, None)] * head, {}
        self.ring.reset(f"e{self.number}-{self.epochs}", head)

    def lose(self, count: int) -> None:
        """Forgets the last ticks within the same epoch, as a log that was restored from an older copy would."""
        head = max(self.ring.head - count, 0)
        # A new list: what was seen before stays as it was.
        self.truth, self.lasts = self.truth[:head], {}
        self.ring.reset(self.ring.epoch, head)


@dataclass
class Spot:
    """Where a viewer's page stands in a source, judged by what was sent to him."""

    epoch: str | None = None
    seq: int = 0
    part: int = 0
    snaps: int = 0
    resumed: bool = False
    why: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Seen:
    """How a source was when a frame about it was made, which may be some time before it is sent."""

    epoch: str
    oldest: int
    head: int
    truth: list[Tick]
    lasts: dict[int, Tick]
    wanted: Interest
    now: float
    merge: bool


class Sent(NamedTuple):
    token: str | None
    size: int
    spots: dict[int, tuple[str, int]]


class World:
    """Sources, an advancer, a clock; and the viewers who look."""

    def __init__(self, sources: Iterable[Source], limits: Limits = LIMITS) -> None:
        self.clock = Clock()
        self.sources = {source.number: source for source in sources}
        self.limits = limits
        self.advancer = Advancer(lambda number: self.sources[number].ring, self.clock.wall)
        self.viewers: list[Viewer] = []
        # Something wrong was seen already; what follows from it says nothing.
        self.failed = False
        self.made: dict[int, tuple[Frame, dict[int, Seen]]] = {}

    def viewer(self, since: Mapping[int, tuple[str, int]] | None = None) -> Viewer:
        viewer = Viewer(self, since or {})
        self.viewers.append(viewer)
        return viewer

    def bell(self, sources: Iterable[int] | None = None) -> None:
        """Does what the hub does when the doorbell rings."""
        rung = set(self.sources if sources is None else sources)
        for number in rung:
            self.sources[number].ring.trim(self.clock.ms)
        self.advancer.heads_moved()
        for viewer in self.viewers:
            session = viewer.session
            concerned = rung & set(session.watch.interests) and session.waits_for_ticks
            if concerned and session.is_due(self.clock.now):
                viewer.serve()

    def round(self) -> None:
        """Does what the hub does once a second: who is over, who is owed a heartbeat."""
        self.advancer.heads_moved()
        for viewer in list(self.viewers):
            code = viewer.session.verdict(self.clock.now)
            if code is not None:
                viewer.verdicts.append(int(code))
                viewer.reconnect()
            elif viewer.session.beat_due(self.clock.now):
                viewer.beat()


class Viewer:
    """Somebody who looks, and who checks each frame against the truth at the moment it is sent."""

    def __init__(self, world: World, since: Mapping[int, tuple[str, int]]) -> None:
        self.world = world
        self.verdicts: list[int] = []
        self.subs: dict[int, tuple[Interest, ...]] = {}
        self.since = dict(since)
        self._open()

    def _advance(self, watch: Watch, cursor: Cursor, mode: Mode) -> Step:
        """Asks the code under test, and notes how things are at this moment for whoever checks its frames."""
        step = self.world.advancer.advance(watch, cursor, mode)
        new = [frame for frame in step.frames if id(frame) not in self.world.made]
        if new:
            seen = {src: self._see(src, mode) for src in self.spots}
            self.world.made |= {id(frame): (frame, seen) for frame in new}
        return step

    def _see(self, src: int, mode: Mode) -> Seen:
        source, ring = self.world.sources[src], self.world.sources[src].ring
        return Seen(
            ring.epoch,
            ring.oldest,
            ring.head,
            source.truth,
            dict(source.lasts),
            self._interest(src),
            self.world.clock.wall(),
            mode.merge,
        )

    def _open(self) -> None:
        self.session = Session("s", self.world.limits, self.world.clock.now, self.world.limits.socket_seconds)
        self.session.greeted = True
        self.spots: dict[int, Spot] = {}
        self.inbox: deque[Sent] = deque()
        self.unacked: deque[tuple[str, int]] = deque()
        self.frames: list[dict[str, Any]] = []
        self.processed = dict(self.since)
        self.last_token: str | None = None

    # --- what the viewer does ---

    def subscribe(self, sub: int, interests: tuple[Interest, ...], since: Mapping[int, tuple[str, int]]) -> None:
        self.subs[sub] = interests
        places = {interest.source: Place(*since[interest.source]) for interest in interests if interest.source in since}
        self.session.subscribe(sub, interests, places, self.world.clock.now)
        for interest in interests:
            if interest.source in since:
                spot = self.spots[interest.source] = Spot(*since[interest.source])
                spot.resumed = True
            else:
                self.spots.setdefault(interest.source, Spot())
        self._forget_unwatched()
        self.world.advancer.heads_moved()
        self.serve()

    def regrant(self, sub: int, interests: tuple[Interest, ...]) -> None:
        self.subs[sub] = interests
        self.session.regrant(sub, interests, self.world.clock.now)
        for interest in interests:
            self.spots.setdefault(interest.source, Spot())
        self._forget_unwatched()
        self.serve()

    def unsubscribe(self, sub: int) -> None:
        del self.subs[sub]
        assert self.session.unsubscribe(sub)
        self._forget_unwatched()

    def _forget_unwatched(self) -> None:
        watched = self.session.watch.interests
        self.spots = {src: spot for src, spot in self.spots.items() if src in watched}

    def reconnect(self) -> None:
        """Loses what was on the way, comes back, and asks for the same from where the page stands."""
        self.since = dict(self.processed)
        subs = self.subs
        rate, visible, paused = self.session.rate, self.session.visible, self.session.paused
        self._open()
        self.subs = {}
        self.session.rate, self.session.visible, self.session.paused = rate, visible, paused
        for sub, interests in subs.items():
            self.subscribe(sub, interests, self.since)

    def process(self, count: int) -> None:
        """Applies the next frames to the page."""
        for _ in range(min(count, len(self.inbox))):
            sent = self.inbox.popleft()
            self.processed = sent.spots
            self.last_token = sent.token or self.last_token

    def ack(self) -> None:
        """Acknowledges what was applied so far."""
        if self.last_token is None:
            return
        token = self.last_token
        assert self.session.ack(token, self.world.clock.now)
        self.session.heard(self.world.clock.now)
        while any(token == sent for sent, _ in self.unacked):
            self.unacked.popleft()
        if self.session.blocked:
            self.serve()

    def set_rate(self, rate: float) -> None:
        self.session.set_rate(rate, self.world.clock.now)
        self.serve()

    def show(self, visible: bool) -> None:
        self.session.visible = visible
        self.serve()

    def pause(self, on: bool) -> None:
        self.session.paused = on
        self.serve()

    # --- what the server does for him ---

    def serve(self, *, complete: bool = False) -> list[Frame]:
        found = self.session.serve(self._advance, self.world.clock.now, complete=complete)
        if found:
            assert self.session.visible, "frames for a page that nobody sees"
            assert not self.session.paused, "frames for a page that stands still"
        for frame in found:
            self._check(frame)
        return found

    def beat(self) -> None:
        self.serve(complete=True)
        heads = {src: (s.ring.epoch, s.ring.head) for src, s in self.world.sources.items() if src in self.spots}
        session = self.session
        heartbeat = self.world.advancer.heartbeat(session.watch, self.world.clock.ms)
        session.beat(heartbeat, self.world.clock.now)
        self._check(heartbeat)
        if session.waits_for_ticks and session.rate > 0:
            here = {src: (spot.epoch, spot.seq) for src, spot in self.spots.items()}
            assert here == heads, "the heartbeat names heads that the viewer was not taken to"

    # --- what the viewer checks ---

    def _check(self, frame: Frame) -> None:
        try:
            self._take(frame)
        except AssertionError:
            self.world.failed = True
            raise

    def _take(self, frame: Frame) -> None:
        message = json.loads(frame.data, parse_constant=_no_constant)
        self.frames.append(message)
        assert message.get("k") == frame.token
        if frame.token is not None:
            self.unacked.append((frame.token, len(frame)))
            limits = self.world.limits
            assert len(self.unacked) <= limits.credit_frames, "more frames on their way than announced"
            if len(self.unacked) > 1:
                assert sum(size for _, size in self.unacked) <= limits.credit_bytes, "more bytes than announced"
        if message["t"] == "d":
            for part in message["d"]:
                self._take_part(part, self.world.made[id(frame)][1][part["src"]])
        elif message["t"] == "snap":
            self._take_snap(message, self.world.made[id(frame)][1][message["src"]])
        elif message["t"] == "gap":
            self._take_gap(message, self.world.made[id(frame)][1][message["src"]])
        spots = {src: (spot.epoch, spot.seq) for src, spot in self.spots.items() if spot.epoch is not None}
        self.inbox.append(Sent(frame.token, len(frame), spots))

    def _interest(self, src: int) -> Interest:
        united = [interest for interests in self.subs.values() for interest in interests if interest.source == src]
        series = frozenset[int]().union(*(interest.series for interest in united))
        return Interest(src, series, max(i.window for i in united), max(i.points for i in united))

    def _take_part(self, part: dict[str, Any], seen: Seen) -> None:
        src, a, b = part["src"], part["a"], part["b"]
        spot = self.spots[src]
        assert spot.part == 0, "data in the middle of a snapshot"
        assert spot.epoch == seen.epoch
        assert a == spot.seq + 1, f"{a}..{b} after {spot.seq}"
        assert a <= b <= seen.head
        ticks = [(seq, seen.truth[seq - 1]) for seq in range(a, b + 1)]
        assert not any(tick.series == LOST for _, tick in ticks), "data for what was lost"
        ticks = [(seq, tick) for seq, tick in ticks if tick.series in seen.wanted.series]
        assert part["n"] == len(ticks)
        assert seen.merge or "k" not in part["rows"], "merged, though every tick was asked for"
        check_rows(part["rows"], ticks, seen.wanted.points)
        spot.seq = b

    def _take_snap(self, message: dict[str, Any], seen: Seen) -> None:
        spot = self.spots[message["src"]]
        spot.part += 1
        assert message["part"] == spot.part, "a part of a snapshot out of turn"
        if spot.part == 1:
            self._sheets: list[dict[str, Any]] = []
            assert (message["epoch"], message["seq"]) == (seen.epoch, seen.head)
            if spot.epoch == message["epoch"] and spot.why[-1:] != ["ahead"]:
                assert spot.seq == message["seq"], f"a snapshot at {message['seq']} leaves {spot.seq} behind"
        assert (message["epoch"], message["seq"]) == (seen.epoch, seen.head)
        self._sheets.append(message["rows"])
        if message["part"] == message["parts"]:
            check_snapshot(join(self._sheets), _window(seen), seen.wanted.points)
            spot.epoch, spot.seq, spot.part = message["epoch"], message["seq"], 0
            spot.snaps += 1
            spot.why.clear()

    def _take_gap(self, message: dict[str, Any], seen: Seen) -> None:
        spot = self.spots[message["src"]]
        assert spot.epoch is not None, "a gap for somebody who has nothing"
        assert message["a"] == spot.seq + 1, f"gap {message['a']}..{message['b']} after {spot.seq}"
        if message["why"] in ("epoch", "ahead"):
            assert message["b"] == message["a"] - 1
            assert (spot.epoch != seen.epoch) == (message["why"] == "epoch")
            spot.why.append(message["why"])
            return
        assert spot.epoch == seen.epoch
        assert message["a"] <= message["b"] <= seen.head
        if message["why"] in ("trimmed", "slow"):
            assert message["b"] == seen.oldest - 1
        else:
            assert message["why"] == "source"
            assert all(tick.series == LOST for tick in seen.truth[message["a"] - 1 : message["b"]])
        spot.seq = message["b"]


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} in a frame")


def _window(seen: Seen) -> list[tuple[int, Tick]]:
    """Returns what a snapshot stands for: the ticks of the window, and of each series at least the last."""
    begin = int((seen.now - seen.wanted.window) * 1000)
    lasts = {id(tick) for series, tick in seen.lasts.items() if series in seen.wanted.series}
    found = []
    for seq, tick in enumerate(seen.truth[: seen.head], 1):
        kept = seen.wanted.window > 0 and seq >= seen.oldest and tick.time >= begin
        if tick.series in seen.wanted.series and (kept or id(tick) in lasts):
            found.append((seq, tick))
    return found


def join(sheets: list[dict[str, Any]]) -> dict[str, Any]:
    """Puts the rows of a snapshot's parts together, with all columns and absolute times."""
    whole: dict[str, Any] = {name: [] for name in ("i", "t", "v", "q", "k", "o", "h", "l")}
    for sheet in sheets:
        count = len(sheet["i"])
        whole["t"] += [sheet["t0"] + offset for offset in sheet["t"]]
        for name, default in (("q", [None] * count), ("k", [1] * count), *((c, sheet["v"]) for c in "ohl")):
            whole[name] += sheet.get(name, default)
        whole["i"] += sheet["i"]
        whole["v"] += sheet["v"]
    return whole | {"t0": 0}


def check_rows(rows: dict[str, Any], ticks: list[tuple[int, Tick]], points: int) -> None:
    """Checks that the rows stand for exactly these (seq, tick), and that no row merges more than it may."""
    lengths = {name: len(column) for name, column in rows.items() if name != "t0"}
    assert len(set(lengths.values())) == 1, f"columns of different length: {lengths}"
    rows = join([rows])
    waiting: dict[int, deque[tuple[int, Tick]]] = {}
    for seq, tick in ticks:
        waiting.setdefault(tick.series, deque()).append((seq, tick))
    span = max((t.time for _, t in ticks), default=0) - min((t.time for _, t in ticks), default=0)
    longest = 1000 if span <= points * 1000 else 60_000
    before = 0
    for row in range(len(rows["i"])):
        group = [waiting[rows["i"][row]].popleft() for _ in range(rows["k"][row])]
        _check_row({name: rows[name][row] for name in "tvqohl"}, [tick for _, tick in group], longest)
        assert group[-1][0] > before, "rows are not in the order of their last ticks"
        before = group[-1][0]
    assert not any(waiting.values()), "ticks that no row stands for"


def _check_row(row: dict[str, Any], group: list[Tick], longest: int) -> None:
    assert group, "a row of no ticks"
    assert row["t"] == group[-1].time
    assert row["v"] == group[-1].value
    if isinstance(row["v"], str):
        assert len(group) == 1, "texts were merged"
        return
    assert len({tick.time // longest for tick in group}) == 1, "a row that crosses a boundary of time"
    values = [tick.value for tick in group]
    assert (row["o"], row["h"], row["l"]) == (values[0], max(values), min(values))
    volumes = [tick.volume for tick in group if tick.volume is not None]
    assert row["q"] == (sum(volumes) if volumes else None)


def check_snapshot(rows: dict[str, Any], ticks: list[tuple[int, Tick]], points: int) -> None:
    """Checks a whole snapshot: as `check_rows`, where rows may be as long as a minute."""
    check_rows(rows, ticks, 0)
    counts = Counter(tick.series for _, tick in ticks)
    if max(counts.values(), default=0) <= min(points, advance.SNAPSHOT_ROWS // max(len(counts), 1)):
        assert set(rows["k"]) <= {1}, "thinned, though there were few enough"


def limits(**changes: Any) -> Limits:
    return replace(LIMITS, **changes)
