"""Holds the shapes that travel between worker, hub and viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

StateName = Literal["starting", "live", "late", "down", "stopped", "degraded"]


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source is: `since` and `last` (its last tick) in milliseconds since 1970 UTC, `hz` in ticks a second.

    `refused` counts the ticks that were not admitted since its feed started; it is for those who look after sources.
    """

    state: StateName
    since: int
    last: int | None = None
    hz: float = 0.0
    msg: str = ""
    refused: int = 0

    def as_json(self) -> dict[str, Any]:
        """Returns what everybody may know who sees the source."""
        return {"state": self.state, "since": self.since, "last": self.last, "hz": self.hz, "msg": self.msg}
