"""Gathers what happens to the sources of a worker until it is written into their history."""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime

from dashboard.feeds.health import Health
from dashboard.models.event import SourceEvent, missed
from dashboard.ticklog.base import Lease

# Events that wait for the database at most. Further ones are counted, and the history says how many are missing.
MOST = 1000

_GAPS = {
    "failover": "another worker had it, and gave no account of what its feed gave last",
    "source": "its feed gave them, or should have, and the log did not get them",
}


class Chronicle:
    """Nothing here waits: every method notes and returns. `take` hands over what is to be written."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._waiting: deque[SourceEvent] = deque()
        self._missed: Counter[int] = Counter()
        # What was last noted of each source: a report that says the same is no event.
        self._said: dict[int, tuple[str, str]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting or self._missed)

    def taken(self, lease: Lease) -> None:
        """Notes that this worker has a source from now on."""
        self._said.pop(lease.source, None)
        died = lease.orphaned is not None
        cause = "the worker before never gave it back" if died else "nobody else had it"
        self._note(lease.source, SourceEvent.Kind.TAKEN, cause)

    def stands(self, source: int, health: Health) -> None:
        """Notes a state where it is another one than before; of one that is down, another reason as well."""
        # How long it is to the next try is different at every look.
        cause = health.msg.partition("; next try in ")[0]
        said = (health.state, cause if health.state == "down" else "")
        if self._said.get(source) == said:
            return
        self._said[source] = said
        self._note(source, health.state, cause)

    def lost(self, source: int, count: int, why: str) -> None:
        """Notes a gap that was written into the log."""
        self._note(source, SourceEvent.Kind.GAP, _GAPS.get(why, why), ticks=count)

    def _note(self, source: int, kind: str, cause: str, ticks: int | None = None) -> None:
        if len(self._waiting) >= MOST:
            self._missed[source] += 1
            return
        at = datetime.now(UTC)
        self._waiting.append(
            SourceEvent(source_id=source, at=at, kind=kind, cause=cause, worker=self._worker, ticks=ticks)
        )

    def take(self) -> list[SourceEvent]:
        """Hands over what waits, with a word for each source about what found no room."""
        events = [*self._waiting, *missed(self._missed, self._worker)]
        self._waiting.clear()
        self._missed.clear()
        return events

    def give_back(self, events: list[SourceEvent]) -> None:
        """Takes back what could not be written, before what has come since; what has no room is counted."""
        self._waiting.extendleft(reversed(events))
        while len(self._waiting) > MOST:
            self._missed[self._waiting.pop().source_id] += 1
