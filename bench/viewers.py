"""Holds what viewers say and count: ours, those of the peers, and those who poll.

They are made to cost little, so that the server is what is measured. One of them takes apart only a few frames a second
of JSON: some are chosen to note the ages of their ticks, which stand for all; the others count on the bytes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
import time
from dataclasses import dataclass, field
from typing import Any

# What stands once in each tick of a peer, and nowhere else in its frames.
TICK = b'"v":'
# Viewers who note the ages of their ticks.
OBSERVERS = 5
# What a browser sends along with every request.
BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\n"
)

_PARTS = re.compile(rb'"src":(\d+),"a":\d+,"b":(\d+),"n":(\d+)')
_TOKEN = re.compile(rb'"k":"([0-9a-f]{8})"')


@dataclass
class Plan:
    """Who comes: `talk` names the class, `boards` what its viewers look at in turn."""

    port: int
    viewers: int
    talk: str = "ours"
    path: str = "/ws/live/"
    boards: list[str] = field(default_factory=lambda: ["market"])
    rate: float = 20
    # Viewers who never read what they are sent.
    stalled: int = 0
    # What they look at is silent: they have all there is when they have a snapshot.
    quiet: bool = False
    # Milliseconds between two ticks of a series, for those who see only the last of several.
    spacing: int = 100


@dataclass
class Tally:
    """What all viewers of this process got."""

    live: int = 0
    lost: int = 0
    requests: int = 0
    bytes: int = 0
    ticks: int = 0
    ages: list[float] = field(default_factory=list)


class Viewer(asyncio.Protocol):
    """One viewer of a peer over a WebSocket: shakes hands, then counts ticks on the bytes."""

    # How the peer's connection begins; without a handshake the first byte is data.
    handshake = True

    def __init__(self, plan: Plan, number: int, tally: Tally) -> None:
        self.plan, self.number, self.tally = plan, number, tally
        self.observe = number % max(plan.viewers // OBSERVERS, 1) == 0
        self.rest = b""
        self.open = not self.handshake
        self.gone = False
        # Set once the connection stands, and once data has come; or when neither will.
        self.stands, self.live = asyncio.Event(), asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        if self.handshake:
            self.knock()

    def connection_lost(self, error: Exception | None) -> None:
        self.gone = True
        self.stands.set()
        self.live.set()
        self.tally.lost += 1

    def knock(self, more: str = "") -> None:
        host, key = f"127.0.0.1:{self.plan.port}", base64.b64encode(os.urandom(16)).decode()
        self.request(
            f"Origin: http://{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\n{more}"
        )

    def request(self, headers: str = "") -> None:
        self.tally.requests += 1
        self.write(
            f"GET {self.plan.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.plan.port}\r\n{BROWSER}{headers}\r\n".encode()
        )

    def write(self, data: bytes) -> None:
        self.tally.bytes += len(data)
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        self.tally.bytes += len(data)
        data = self.rest + data
        if not self.open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self.rest = head
                return
            if b" 101 " not in head[:16] and b" 200 " not in head[:16]:
                raise SystemExit(f"The server refused a viewer: {head[:80]!r}")
            self.open = True
            self.stands.set()
            self.opened()
        self.rest = self.take(data)

    def opened(self) -> None:
        """The connection stands."""

    def take(self, data: bytes) -> bytes:
        """Counts what came and returns the part of it that is not whole yet."""
        if not self.observe:
            # Peers send nothing but ticks, so their frames need not be found. The rest is too short to count twice.
            self.arrived(data.count(TICK))
            return data[1 - len(TICK) :]
        at, ticks = 0, 0
        while (frame := find_frame(data, at)) is not None:
            _, begin, at = frame
            found = json.loads(data[begin:at])
            found = found if isinstance(found, list) else [found]
            ticks += len(found)
            self.note([tick["t"] for tick in found])
        self.arrived(ticks)
        return data[at:]

    def arrived(self, ticks: int) -> None:
        self.tally.ticks += ticks
        if ticks and not self.live.is_set():
            self.live.set()
            self.tally.live += 1

    def note(self, times: list[float]) -> None:
        now = time.time() * 1000
        self.tally.ages += [now - then for then in times]

    def ack(self) -> None:
        """Once a second."""


def find_frame(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Returns opcode, begin and end of the frame at `at`, if all of it is here."""
    if len(data) < at + 2:
        return None
    size, begin = data[at + 1] & 127, at + 2
    if size >= 126:
        begin += 2 if size == 126 else 8
        size = int.from_bytes(data[at + 2 : begin], "big")
    return (data[at] & 15, begin, begin + size) if len(data) >= begin + size else None


class RawViewer(Viewer):
    """A viewer of the floor: framed bytes on a plain socket, from the first byte on."""

    handshake = False


class StreamViewer(Viewer):
    """A viewer over server-sent events."""

    def knock(self, more: str = "") -> None:
        self.request("Accept: text/event-stream\r\n")

    def take(self, data: bytes) -> bytes:
        *events, rest = data.split(b"\n\n")
        for event in events:
            begin = event.find(b"data: ")
            if begin >= 0:
                found = json.loads(event[begin + 6 :])
                self.arrived(len(found))
                if self.observe:
                    self.note([tick["t"] for tick in found])
        return rest


class PollViewer(Viewer):
    """A viewer who asks for the last values once a second, over a line that stays open.

    The age of a tick is the time until he has it or a newer one of its series.
    """

    seen: dict[int, float]

    def knock(self, more: str = "") -> None:
        self.seen = {}
        self.stands.set()
        # Viewers come at their own times.
        asyncio.get_running_loop().call_later(self.number / self.plan.viewers, self.poll)

    def poll(self) -> None:
        if self.gone:
            return
        self.request()
        asyncio.get_running_loop().call_later(1.0, self.poll)

    def data_received(self, data: bytes) -> None:
        self.tally.bytes += len(data)
        self.rest += data
        head, end, body = self.rest.partition(b"\r\n\r\n")
        size = re.search(rb"(?i)content-length: (\d+)", head)
        if not end or size is None or len(body) < int(size[1]):
            return
        self.rest = b""
        found = json.loads(body)
        self.arrived(len(found))
        for row in found:
            now, last = row["t"] or 0, self.seen.get(row["id"])
            if last is not None and self.observe:
                self.note([now - back * self.plan.spacing for back in range(round((now - last) / self.plan.spacing))])
            self.seen[row["id"]] = now


class OurViewer(Viewer):
    """A viewer of ours: subscribes to a dashboard, acknowledges once a second, resumes where he was."""

    def __init__(self, plan: Plan, number: int, tally: Tally, before: OurViewer | None = None) -> None:
        super().__init__(plan, number, tally)
        self.epochs: dict[int, str] = before.epochs if before else {}
        self.seqs: dict[int, int] = before.seqs if before else {}
        self.token = b""
        self.stalls = number < plan.stalled

    def knock(self, more: str = "") -> None:
        super().knock("Sec-WebSocket-Protocol: tickwall.v1.json\r\n")

    def opened(self) -> None:
        plan = self.plan
        since = {str(source): [self.epochs[source], seq] for source, seq in self.seqs.items()}
        board = plan.boards[self.number % len(plan.boards)]
        self.say({"t": "hello", "v": 1, "build": "bench", "ticket": None})
        self.say({"t": "set", "id": 1, "rate": plan.rate})
        self.say({"t": "sub", "id": 2, "dashboard": board, "since": since, "window": 0})

    def say(self, message: dict[str, object]) -> None:
        """Sends a text frame; masked with zeros, which leaves the bytes as they are."""
        body = json.dumps(message, separators=(",", ":")).encode()
        head = bytes([0x81, 0x80 | len(body)]) if len(body) < 126 else b"\x81\xfe" + len(body).to_bytes(2, "big")
        self.write(head + b"\0\0\0\0" + body)

    def take(self, data: bytes) -> bytes:
        at = 0
        while (frame := find_frame(data, at)) is not None:
            opcode, begin, at = frame
            if opcode == 1:
                self.take_message(data, begin, at)
            elif opcode == 9:
                self.write(b"\x8a\x80\0\0\0\0")
        return data[at:]

    def take_message(self, data: bytes, begin: int, end: int) -> None:
        if data.startswith(b'{"t":"d"', begin):
            token = _TOKEN.search(data, begin, begin + 40)
            self.token = token[1] if token else self.token
            ticks = 0
            for source, b, n in _PARTS.findall(data, begin, end):
                ticks += int(n)
                self.seqs[int(source)] = int(b)
            self.arrived(ticks)
            if self.observe:
                self.note_rows(json.loads(data[begin:end]))
            return
        message = json.loads(data[begin:end])
        if message["t"] in ("snap", "hb"):
            self.token = message["k"].encode()
        if message["t"] == "snap":
            self.epochs[message["src"]], self.seqs[message["src"]] = message["epoch"], message["seq"]
            self.stall()
        elif message["t"] in ("bye", "err"):
            print(f"A viewer heard {message}", file=sys.stderr)
            self.transport.close()

    def stall(self) -> None:
        """Counts him as live although no tick has come, where none will: the source is silent, or he does not read."""
        if self.stalls:
            self.transport.pause_reading()
        if (self.stalls or self.plan.quiet) and not self.live.is_set():
            self.live.set()
            self.tally.live += 1

    def note_rows(self, message: dict[str, Any]) -> None:
        for part in message["d"]:
            rows = part["rows"]
            self.note([rows["t0"] + offset for offset in rows["t"]])

    def ack(self) -> None:
        if self.token and not self.stalls:
            self.say({"t": "ack", "k": self.token.decode()})
            self.token = b""


KINDS: dict[str, type[Viewer]] = {
    "plain": Viewer,
    "raw": RawViewer,
    "stream": StreamViewer,
    "poll": PollViewer,
    "ours": OurViewer,
}
