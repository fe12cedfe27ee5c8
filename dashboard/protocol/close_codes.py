"""Names the close codes of the live socket. Below 4500 a viewer comes back, from 4500 on he stops."""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    DRAIN = 4001
    AGE = 4002
    INTERNAL = 4004
    TOO_SLOW = 4008
    TOO_MANY_MESSAGES = 4013
    TOO_MANY_SOCKETS = 4029
    SIGNED_OUT = 4500
    MALFORMED = 4501
    NO_HELLO = 4502
    FORBIDDEN = 4503
    MISMATCH = 4506


# What the viewer is told before the close: the sentence, and the milliseconds between which he comes back.
FAREWELLS: dict[CloseCode, tuple[str, tuple[int, int] | None]] = {
    CloseCode.DRAIN: ("The server is restarting", (250, 3500)),
    CloseCode.AGE: ("This connection has reached its age limit", (0, 2000)),
    CloseCode.INTERNAL: ("The server failed; it is in its log", (1000, 10_000)),
    CloseCode.TOO_SLOW: ("Nothing was acknowledged for too long", (5000, 15_000)),
    CloseCode.TOO_MANY_MESSAGES: ("Too many messages", (10_000, 20_000)),
    CloseCode.TOO_MANY_SOCKETS: ("Too many connections", (30_000, 60_000)),
    CloseCode.SIGNED_OUT: ("You are signed out", None),
    CloseCode.MALFORMED: ("Three messages could not be understood", None),
    CloseCode.NO_HELLO: ("No hello came in time", None),
    CloseCode.FORBIDDEN: ("The right to see this was withdrawn", None),
    CloseCode.MISMATCH: ("This page speaks another version of the protocol; reload it", None),
}
