"""Reads the ticks that somebody has posted: one, a batch of them, or columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.feeds.base import FeedBatch, FeedError
from dashboard.feeds.payload import milliseconds

_COLUMNS = {"keys", "values", "times", "volumes"}
_TICK = {"key", "value", "time", "volume"}
_FORMS = (
    'A tick is wanted, {"key": "…", "value": 1.5}, a list of ticks, or columns, {"keys": ["…"], "values": [1.5]}; '
    "each may have a time, in milliseconds since 1970 UTC or as ISO 8601, and a volume."
)


def ticks(body: Any, now: int) -> FeedBatch:
    """Returns the ticks of a body as a batch; those without a time have come `now` (milliseconds). Raises FeedError."""
    if isinstance(body, dict) and "keys" in body:
        return _columns(body, now)
    rows = body if isinstance(body, list) else [body]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not {"key", "value"} <= row.keys() <= _TICK:
            raise FeedError((f"Tick {number}: " if isinstance(body, list) else "") + _complaint(row))
    return FeedBatch(
        [row["key"] for row in rows],
        [row["value"] for row in rows],
        [_time(row.get("time"), now) for row in rows],
        [row.get("volume") for row in rows],
    )


def _columns(body: Mapping[str, Any], now: int) -> FeedBatch:
    if strange := body.keys() - _COLUMNS:
        raise FeedError(f"There is no column “{min(strange)}”. {_FORMS}")
    if any(not isinstance(column, list) for column in body.values()) or "values" not in body:
        raise FeedError(f"Keys and values are to be lists of the same length. {_FORMS}")
    times: Sequence[Any] = body.get("times") or [None] * len(body["keys"])
    return FeedBatch(body["keys"], body["values"], [_time(time, now) for time in times], body.get("volumes"))


def _complaint(row: Any) -> str:
    if not isinstance(row, dict):
        return f"this is no object. {_FORMS}"
    missing, strange = {"key", "value"} - row.keys(), row.keys() - _TICK
    if missing:
        return f"“{min(missing)}” is missing. {_FORMS}"
    return f"“{min(strange)}” is not a field of a tick. {_FORMS}"


def _time(value: Any, now: int) -> Any:
    """Returns milliseconds; what is no time at all stays as it is, and is refused with its row."""
    if value is None:
        return now
    if isinstance(value, str):
        try:
            return milliseconds(value, "iso")
        except ValueError:
            return value
    return value
