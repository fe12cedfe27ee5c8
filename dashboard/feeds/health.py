"""Turns ticks, refusals, failures and time into the state of a source."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Literal

from dashboard.feeds.tally import Tally
from dashboard.feeds.words import elapsed, one_line, remaining, span

StateName = Literal["starting", "live", "late", "down", "stopped", "degraded"]

# Between two reports of the same state.
_REPORT_MS = 1000
# A source is degraded until so long after the last refused tick, or three cadences if that is longer.
_DEGRADED_MS = 10_000
# The rate is smoothed over so long, or five cadences if that is longer.
_SMOOTHING_MS = 5_000


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment on two clocks, in milliseconds: `wall` since 1970 UTC for people, `steady` for measuring."""

    wall: int
    steady: int


@dataclass(frozen=True, slots=True)
class Health:
    """How a source is.

    `since` (when the state began) and `last` (the time of its newest tick) are milliseconds since 1970 UTC, `hz` is
    ticks a second, `refused` counts ticks that were not taken since the source was started.
    """

    state: StateName
    since: int
    last: int | None = None
    hz: float = 0.0
    msg: str = ""
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A health to be announced; `before` is the earlier state when the state has changed, else None."""

    health: Health
    before: StateName | None


class Pulse:
    """Follows one source from start to stop. It reads no clock: every method is told the time.

    1. `starting` until the first tick; 2. `live` while ticks come; 3. `late` when none came for more than
    1.5 x cadence + 1 s; 4. `degraded` while some ticks are refused and others flow; 5. `down` from a failure to the
    next tick that is taken; 6. `stopped` at the end. A kind that does not tick by itself is not late before its
    first tick.
    """

    def __init__(self, cadence: float, now: Instant) -> None:
        self._cadence_ms = max(10.0, cadence * 1000)
        self._begun = now.steady
        self._arrived: int | None = None
        self._last: int | None = None
        self._healthy_from: int | None = None
        self._rate = _Rate(max(_SMOOTHING_MS, 5 * self._cadence_ms), self._cadence_ms, now.steady)
        self._failure: str | None = None
        self._retry_at: int | None = None
        self._end: str | None = None
        self._tally = Tally()
        self._refused = 0
        self._refused_at = 0
        self._state: StateName = "starting"
        self._since = now.wall
        self._reported: Health | None = None
        self._reported_at = 0
        # False for a kind that may rightly be silent for ever.
        self.by_itself = True
        # True while ticks wait for the worker to take them: lateness is then not the feed's.
        self.held = False
        self._recalling = False

    def ticked(self, count: int, last: int, now: Instant) -> None:
        """Notes ticks that were taken; `last` is the newest of their own times."""
        self._rate.add(count, now.steady)
        self._arrived = now.steady
        # A tick may be stamped a little ahead of our clock: nothing was seen later than now.
        self._last = max(self._last or 0, min(last, now.wall))
        self._failure = None
        if self._healthy_from is None:
            self._healthy_from = now.steady

    def refused(self, tally: Tally, now: Instant) -> None:
        """Notes ticks that were refused."""
        if tally:
            self._forget_refusals(now)
            self._tally.merge(tally)
            self._refused += tally.total
            self._refused_at = now.steady

    def failed(self, why: str, retry_at: int | None, now: Instant) -> None:
        """Notes that the feed has failed and is tried again at `retry_at` (steady), or not before it is changed."""
        self._failure = one_line(why)
        self._retry_at = retry_at
        self._healthy_from = None
        self._rate.reset(now.steady)

    def trying(self, now: Instant) -> None:
        """Notes that a run of the feed begins. A source that was down stays so until it ticks."""
        self._retry_at = None
        self._begun = now.steady

    def recalling(self, recalls: bool, now: Instant) -> None:
        """Notes that the feed gives its past, which says nothing about how it is now, or that it has given it."""
        self._recalling = recalls
        self._begun = now.steady

    def stopped(self, why: str) -> None:
        self._end = why

    def healthy_for(self, now: Instant) -> float:
        """Returns for how many seconds this run has been ticking."""
        return 0.0 if self._healthy_from is None else (now.steady - self._healthy_from) / 1000

    def health(self, now: Instant) -> Health:
        """Returns how the source is now."""
        self._forget_refusals(now)
        state = self._judge(now)
        if state != self._state:
            self._state, self._since = state, now.wall
        hz = 0.0 if state in ("down", "stopped") else self._rate.at(now.steady)
        return Health(state, self._since, self._last, hz, self._message(state, now), self._refused)

    def report(self, now: Instant) -> Report | None:
        """Returns what is to be announced now: a new state at once, other news at most once a second."""
        health = self.health(now)
        earlier = self._reported
        before = earlier.state if earlier is not None and earlier.state != health.state else None
        if earlier is not None and before is None and (self._reported_lately(now) or health == earlier):
            return None
        self._reported, self._reported_at = health, now.steady
        return Report(health, before)

    def _reported_lately(self, now: Instant) -> bool:
        return now.steady - self._reported_at < _REPORT_MS

    def _judge(self, now: Instant) -> StateName:
        if self._end is not None:
            return "stopped"
        if self._failure is not None:
            return "down"
        if self._overdue(now):
            return "late"
        if self._arrived is None:
            return "starting"
        return "degraded" if self._tally else "live"

    def _overdue(self, now: Instant) -> bool:
        if self._recalling or (self._arrived is None and not self.by_itself):
            return False
        return self._quiet_for(now) > 1.5 * self._cadence_ms + 1000

    def _quiet_for(self, now: Instant) -> int:
        return now.steady - (self._begun if self._arrived is None else self._arrived)

    def _message(self, state: StateName, now: Instant) -> str:
        if state == "stopped":
            return self._end or ""
        if state == "down":
            return self._down_message(now)
        parts = []
        if state == "late":
            parts.append(self._late_message(now))
        elif state == "starting" and self._recalling:
            parts.append("giving its past")
        elif state == "starting" and not self.by_itself:
            parts.append("waiting for the first tick")
        if self._tally:
            parts.append(str(self._tally))
        return "; ".join(parts)

    def _down_message(self, now: Instant) -> str:
        if self._retry_at is None:
            return self._failure or ""
        return f"{self._failure}; next try in {remaining((self._retry_at - now.steady) / 1000)}"

    def _late_message(self, now: Instant) -> str:
        quiet = elapsed(self._quiet_for(now) / 1000)
        if self.held:
            return f"ticks have been waiting for the worker for up to {quiet}"
        return f"no tick for {quiet}, one is due every {span(self._cadence_ms / 1000)}"

    def _forget_refusals(self, now: Instant) -> None:
        if self._tally and now.steady - self._refused_at > max(_DEGRADED_MS, 3 * self._cadence_ms):
            self._tally.clear()


class _Rate:
    """Counts ticks a second, each tick weighing less as it ages (exponentially, with time constant `tau`)."""

    def __init__(self, tau: float, cadence: float, now: int) -> None:
        self._tau = tau
        self._cadence = cadence
        self.reset(now)

    def reset(self, now: int) -> None:
        self._sum = 0.0
        self._begun = self._at = now

    def add(self, count: int, now: int) -> None:
        self._sum = self._sum * self._fading(now - self._at) + count
        self._at = now

    def at(self, now: int) -> float:
        # In the beginning there is less than a full past: the weight that it can have at all is what counts, and one
        # tick is never taken for more than one a cadence.
        seen = max(now - self._begun, self._cadence, 250.0)
        weight = self._tau / 1000 * (1 - self._fading(seen))
        return float(f"{self._sum * self._fading(now - self._at) / weight:.4g}")

    def _fading(self, age: float) -> float:
        return exp(-max(0.0, age) / self._tau)
