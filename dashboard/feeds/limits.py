"""Holds what a feed may do and how long it is waited for."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.timeseries.tick import TEXT_BYTES


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers of the runner and the supervisor; all times in seconds."""

    # A tick older than this, or this far ahead of the clock, is refused.
    max_age: float = 86_400.0
    max_ahead: float = 60.0
    # Bytes of UTF-8 of a text value.
    text_bytes: int = TEXT_BYTES
    # Rows that are handled and handed on in one go; a longer batch is cut.
    rows: int = 10_000
    # How long a feed that never waits may keep the loop before the others get their turn.
    turn: float = 0.005
    # Between two looks at a running feed: how soon lateness and silence are noticed.
    look: float = 0.5
    # A feed is silent, and restarted, after max(silence, 5 x cadence + silence_extra) without a batch.
    silence: float = 10.0
    silence_extra: float = 5.0
    # How long a cancelled feed may take to end before it is left behind; below the 2 s in which a supervisor stops.
    end: float = 1.5
    # Runs of one source that were left behind and still live; with so many it is not started again.
    strays: int = 3
    # How long admission may take.
    admit: float = 10.0
    # How long a key that was not admitted is not asked about again, and how many such keys are remembered.
    ask_again: float = 60.0
    ask_again_after_error: float = 5.0
    remembered_keys: int = 10_000
    # How long a batch may wait for the worker.
    sink: float = 30.0
    # Back-off: first step, and the healthy time after which it begins anew. The cap is the kind's.
    retry_base: float = 0.5
    healthy: float = 10.0
