"""Holds one viewer: his subscriptions, his cursor, his credit and his deadlines. It does no I/O and knows no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dashboard.live.advance import Cursor, Mode, Place, Step
from dashboard.live.watch import Interest, Watch
from dashboard.protocol.close_codes import CloseCode
from dashboard.protocol.frames import Frame, Sent

# Part of the credit is kept for heartbeats, so that a viewer who acknowledges nothing never has more on the way than
# he was told.
HEARTBEAT_FRAMES = 4
HEARTBEAT_BYTES = 1024
# More of it for each source that a heartbeat names.
HEARTBEAT_BYTES_A_SOURCE = 64
# An acknowledgement names the last frame that has come. Whatever else was sent this many seconds ago, longer than a
# round trip takes, waits in the line: it is slow. Then no more may be on its way than the line was just seen to carry
# in AHEAD seconds, so that what comes is new; the rest waits in the log, and is merged. A viewer may take a second to
# acknowledge: with less than a second ahead the line would stand idle meanwhile, with more what comes grows old.
LATE = 0.5
AHEAD = 1.0
LEAST_BYTES = 4096
# An acknowledgement that leaves nothing so old behind says that the line may carry more: so much more is tried next.
MORE = 1.25
# Acknowledgements that come in a bunch, after something was lost on the way, do not make a line quick.
BUNCH = 0.1
# Seconds between the heartbeats of a viewer who is held.
PAUSED_BEAT = 1.0
# A doorbell serves a viewer up to this many seconds before his time, and he waits the longer for the next frame. It is
# a flush, at most his period: who takes every flush has each at once, wherever his schedule lies between them.
SLACK = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """What a viewer may take; all times in seconds. The numbers are the settings' (`config/settings.py`)."""

    frame_bytes: int
    rate: float
    subs: int
    credit_bytes: int
    credit_frames: int
    ack_seconds: float
    messages_per_second: float
    messages_burst: int
    heartbeat_seconds: float
    silence_seconds: float
    hello_seconds: float
    socket_seconds: float
    window_seconds: float


@dataclass(slots=True)
class Allowance:
    """Lets `rate` messages a second pass, and a burst."""

    rate: float
    burst: float
    left: float
    at: float

    def take(self, now: float) -> bool:
        self.left = min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Session:
    """One viewer of the live socket. Times are seconds of a monotonic clock, given by the caller."""

    def __init__(self, sid: str, limits: Limits, now: float, age: float) -> None:
        self.sid = sid
        self.limits = limits
        self.greeted = False
        self.strikes = 0
        self.allowance = Allowance(limits.messages_per_second, limits.messages_burst, limits.messages_burst, now)
        # What he looks at, and up to where he has it.
        self.subs: dict[int, tuple[Interest, ...]] = {}
        self.watch = Watch.of(())
        self.cursor = Cursor({})
        # How he wants it: frames a second (0: every tick, unmerged), on screen or not, held or not.
        self.rate = limits.rate
        self.visible = True
        self.paused = False
        self.due = now
        self._mode = Mode(self.rate > 0, False, False)
        self._slack = _slack(self.rate)
        # What is on its way to him, oldest first; and what of a step still waits for credit.
        # (Lists, as they are short: a deque takes 760 bytes from the first on, for each viewer.)
        self._flight: list[Sent] = []
        self._flight_bytes = 0
        # Bytes that may be on their way, by what his line has carried so far.
        self._line_bytes = float(limits.credit_bytes)
        self._acked: str | None = None
        self._waiting: list[Frame] = []
        self.starved = False
        self._opened, self._age = now, age
        self._heard = self._acked_at = self._beat = now
        self._share_credit()

    # --- what the viewer says ---

    def heard(self, now: float) -> bool:
        """Notes a sign of life; returns False when there are too many of them."""
        self._heard = now
        return self.allowance.take(now)

    def strike(self) -> bool:
        """Counts a malformed message; returns True when it was one too many."""
        self.strikes += 1
        return self.strikes >= 3

    def subscribe(self, sub: int, interests: tuple[Interest, ...], since: Mapping[int, Place], now: float) -> None:
        """Adds a subscription, or replaces the one with this number.

        A source begins at its place in `since`, for the viewer knows best where he is (the page may have lost what
        was on its way). Without one he gets a snapshot: at once, or, where he follows the source already, at the head.
        """
        places = dict(self.cursor.places)
        for interest in interests:
            followed = places.get(interest.source, Place())
            here = since.get(interest.source)
            # A snapshot that is owed for an earlier subscription stays owed.
            places[interest.source] = replace(here or followed, snap=followed.snap or here is None)
        self._look({**self.subs, sub: interests}, places)
        self.due = now

    def regrant(self, sub: int, interests: tuple[Interest, ...], now: float) -> None:
        """Changes what a subscription stands for; only series that the viewer has not seen need a snapshot."""
        places = dict(self.cursor.places)
        for interest in interests:
            old = self.watch.interests.get(interest.source)
            if old is None or not interest.series <= old.series:
                places[interest.source] = replace(places.get(interest.source, Place()), snap=True)
        self._look({**self.subs, sub: interests}, places)
        self.due = now

    def unsubscribe(self, sub: int) -> bool:
        """Ends a subscription; returns False when there is none with this number."""
        if sub not in self.subs:
            return False
        self._look({other: interests for other, interests in self.subs.items() if other != sub}, self.cursor.places)
        return True

    def _look(self, subs: dict[int, tuple[Interest, ...]], places: Mapping[int, Place]) -> None:
        self.watch = Watch.of(interest for interests in subs.values() for interest in interests)
        # The watch is shared with all who look at the same; its interests stand for equal ones of our own.
        shared = self.watch.interests
        self.subs = {
            sub: tuple(shared[it.source] if shared[it.source] == it else it for it in interests)
            for sub, interests in subs.items()
        }
        self.cursor = Cursor({source: places[source] for source in self.watch.interests})
        self._share_credit()

    def _share_credit(self) -> None:
        """Works out how much of the credit data may take; the rest is for heartbeats."""
        self._most_frames = self.limits.credit_frames - HEARTBEAT_FRAMES
        self._most_bytes = self.limits.credit_bytes - HEARTBEAT_FRAMES * self._beat_bytes

    def set_rate(self, rate: float, now: float) -> None:
        self.rate = rate
        self._mode = Mode(rate > 0, False, False)
        self._slack = _slack(rate)
        self.due = min(self.due, now + (1 / rate if rate else 0.0))

    def ack(self, token: str, now: float) -> bool:
        """Returns the credit of everything up to `token`; False when nothing with this token is on its way."""
        if token == self._acked:
            return True
        count = next((number for number, sent in enumerate(self._flight, 1) if sent.token == token), 0)
        if not count:
            return False
        size = sum(sent.size for sent in self._flight[:count])
        del self._flight[:count]
        self._flight_bytes -= size
        self._learn(size, now - self._acked_at, now)
        self._acked, self._acked_at = token, now
        return True

    def _learn(self, acked: int, seconds: float, now: float) -> None:
        """Judges the line by an acknowledgement: it has carried so many bytes in so many seconds."""
        if self._flight and now - self._flight[0].at > LATE:
            carried = acked / max(seconds, BUNCH) * AHEAD
            self._line_bytes = min(max(carried, LEAST_BYTES), self.limits.credit_bytes)
        else:
            self._line_bytes = min(self._line_bytes * MORE, self.limits.credit_bytes)

    # --- what the viewer gets ---

    @property
    def waits_for_ticks(self) -> bool:
        """Tells whether ticks are all that he waits for: he looks, and his credit lasts."""
        return self.greeted and self.visible and not (self.paused or self.starved or self._waiting)

    def is_due(self, now: float) -> bool:
        return now >= self.due - self._slack

    def serve(
        self, advance: Callable[[Watch, Cursor, Mode], Step], now: float, *, complete: bool = False
    ) -> list[Frame]:
        """Returns the frames that take the viewer to the head, as far as his credit goes.

        Without credit his cursor stays where it is and nothing is kept for him, except the rest of a step that has
        begun (the further parts of a snapshot).
        """
        out: list[Frame] = []
        if not (self.greeted and self.visible) or self.paused:
            return out
        if self._waiting:
            self._send_waiting(out, now)
            if self._waiting:
                return out
        moved = False
        while True:
            mode = Mode(self.rate > 0, self.starved, complete) if self.starved or complete else self._mode
            step = advance(self.watch, self.cursor, mode)
            if not step.frames:
                # The same places, but the object that all who stand there share: they are worked out once next time.
                self.cursor = step.cursor
                self.starved = False
                break
            if not self._affords(step.taxed):
                self.starved = True
                break
            self.starved = False
            self.cursor = step.cursor
            moved = True
            if len(step.frames) == 1:
                # What nearly every step is: no way round by the frames that wait.
                self._depart(step.frames[0], now)
                out.append(step.frames[0])
            else:
                self._waiting.extend(step.frames)
                self._send_waiting(out, now)
            if self._waiting or not step.more:
                break
        if moved:
            self._schedule(now)
        return out

    def _schedule(self, now: float) -> None:
        """Sets when the next frame is due.

        An absolute schedule: a late frame does not push the later ones back, a long wait earns no burst, and frames
        out of turn (on an acknowledgement, with a heartbeat) do not add up to a long silence.
        """
        period = 1 / self.rate if self.rate else 0.0
        if self.due + period <= now:
            self.due = now + period - self._slack
        else:
            self.due = min(self.due, now + self._slack) + period

    def _send_waiting(self, out: list[Frame], now: float) -> None:
        while self._waiting and self._affords(self._waiting[0]):
            frame = self._waiting.pop(0)
            self._depart(frame, now)
            out.append(frame)

    def _affords(self, frame: Frame | None) -> bool:
        """Tells whether the credit allows for the frame; one larger than all credit goes when nothing else is out."""
        if frame is None or frame.token is None or not self._flight:
            return True
        size = self._flight_bytes + len(frame.data)
        return len(self._flight) < self._most_frames and size <= self._most_bytes and size <= self._line_bytes

    @property
    def _beat_bytes(self) -> int:
        return HEARTBEAT_BYTES + HEARTBEAT_BYTES_A_SOURCE * len(self.watch.interests)

    @property
    def _full(self) -> bool:
        """Tells whether not even a heartbeat fits into the credit any more: he acknowledges, but less than he gets."""
        return len(self._flight) > 1 and (
            len(self._flight) >= self.limits.credit_frames
            or self._flight_bytes + self._beat_bytes > self.limits.credit_bytes
        )

    def _depart(self, frame: Frame, now: float) -> None:
        if frame.token is not None:
            if not self._flight:
                self._acked_at = now
            self._flight.append(frame.sent(now))
            self._flight_bytes += len(frame.data)

    @property
    def blocked(self) -> bool:
        """Tells whether an acknowledgement is all that he waits for."""
        return self.starved or bool(self._waiting)

    def beat(self, heartbeat: Frame, now: float) -> None:
        """Notes that the heartbeat is on its way."""
        self._beat = now
        self._depart(heartbeat, now)

    # --- what time does ---

    def beat_due(self, now: float) -> bool:
        """Tells whether a heartbeat is due: every second while the viewer is held and looks, so that he sees how much
        waits for him; not if he does not acknowledge them."""
        counts = self.paused and self.visible and not self._flight
        return self.greeted and now - self._beat >= (PAUSED_BEAT if counts else self.limits.heartbeat_seconds)

    def verdict(self, now: float) -> CloseCode | None:
        """Returns why the viewer has to go, or None."""
        if not self.greeted:
            return CloseCode.NO_HELLO if now - self._opened >= self.limits.hello_seconds else None
        if self._flight and now - self._acked_at >= self.limits.ack_seconds:
            return CloseCode.TOO_SLOW
        if self.beat_due(now) and self._full:
            return CloseCode.TOO_SLOW
        if now - self._heard >= self.limits.silence_seconds:
            return CloseCode.TOO_SLOW
        if now - self._opened >= self._age:
            return CloseCode.AGE
        return None


def _slack(rate: float) -> float:
    """Returns by how many seconds a frame may come before its time."""
    return min(SLACK, 1 / rate) if rate else 0.0
