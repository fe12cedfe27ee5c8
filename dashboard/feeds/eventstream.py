"""Turns the bytes of an event stream (text/event-stream, in the HTML standard) into events."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dashboard.feeds.base import FeedError

EVENT_BYTES = 1_048_576
_LINE_END = re.compile(rb"\r\n|\n|\r")
_LONGEST_RETRY_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Event:
    """`id` is what to ask for to get what comes after it."""

    name: str
    data: str
    id: str


class EventStream:
    """Takes what arrives, cut anywhere, and gives the events that are whole.

    `last_id` is what to ask for after a reconnect, `retry` how many seconds the server wants that to wait, if it says.
    """

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry: float | None = None
        self._rest = bytearray()
        self._begun = False
        self._id = last_id
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, arrived: bytes) -> list[Event]:
        """Returns the events that are whole now. Raises FeedError when one is too long."""
        ended = self._rest.endswith(b"\r") or _LINE_END.search(arrived)
        self._rest += arrived
        lines = self._lines() if ended else []
        events = [event for line in lines if (event := self._line(line)) is not None]
        if len(self._rest) + self._size > EVENT_BYTES:
            raise FeedError("an event is longer than 1 MiB")
        return events

    def _lines(self) -> list[bytes]:
        whole = bytes(self._rest)
        if not self._begun:
            whole, self._begun = whole.removeprefix(b"\xef\xbb\xbf"), True
        # A carriage return at the end may be half of a line end.
        held = whole[-1:] if whole.endswith(b"\r") else b""
        *lines, rest = _LINE_END.split(whole[: len(whole) - len(held)])
        self._rest = bytearray(rest + held)
        return lines

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._end()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._size += len(line)
        elif name == "event":
            self._name = value
        elif name == "id" and "\x00" not in value:
            self._id = value[:1000]
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = min(int(value[:12]), _LONGEST_RETRY_MS) / 1000
        return None

    def _end(self) -> Event | None:
        self.last_id = self._id
        event = Event(self._name or "message", "\n".join(self._data), self._id) if self._data else None
        self._name, self._data, self._size = "", [], 0
        return event
