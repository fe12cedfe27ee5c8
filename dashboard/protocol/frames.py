"""Turns what the server has to say into the bytes of a frame (`tickwall.v1.json`, docs/protocol.md)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from dashboard.protocol.close_codes import FAREWELLS, CloseCode
from dashboard.protocol.messages import SourceState
from dashboard.timeseries.conflate import Rows

SUBPROTOCOL = "tickwall.v1.json"
VERSION = 1


class Sent(NamedTuple):
    """A frame on its way: its token, its bytes, and when it departed, in seconds of whichever clock."""

    token: str
    size: int
    at: float


@dataclass(frozen=True)
class Frame:
    """One encoded message. `token` is what the viewer acknowledges; None where the message takes no credit."""

    data: bytes
    token: str | None = None

    def __len__(self) -> int:
        return len(self.data)

    def sent(self, at: float) -> Sent:
        """Returns what stands for the frame while it is on its way, one object for all to whom it departs at once."""
        sent: Sent | None = self.__dict__.get("_sent")
        if sent is None or sent.at != at:
            sent = self.__dict__["_sent"] = Sent(self.token or "", len(self.data), at)
        return sent

    @cached_property
    def text(self) -> str:
        return self.data.decode()

    @cached_property
    def framed(self) -> bytes:
        """The message as the one WebSocket frame that carries it (RFC 6455 §5.2: final, text, no mask)."""
        size = len(self.data)
        if size < 126:
            head = bytes((0x81, size))
        elif size < 65_536:
            head = b"\x81\x7e" + size.to_bytes(2, "big")
        else:
            head = b"\x81\x7f" + size.to_bytes(8, "big")
        return head + self.data


def encode(message: Mapping[str, Any]) -> Frame:
    return Frame(orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY))


def _token() -> str:
    return secrets.token_hex(4)


def _whole(column: NDArray[np.float64]) -> NDArray[Any]:
    """Returns the column as integers when nothing is lost by it: `7` for `7.0` saves two bytes a row."""
    if np.isfinite(column).all() and (column == np.trunc(column)).all() and (np.abs(column) < 2**53).all():
        return column.astype(np.int64)
    return column


def columns(rows: Rows) -> dict[str, Any]:
    """Returns the rows as columns: `q` only where a row has volume, `k o h l` only where one is merged."""
    ticks = rows.ticks
    first = int(ticks.times[0]) if len(ticks) else 0
    values: Any = _whole(ticks.values)
    if ticks.texts:
        values = [ticks.texts.get(row, value) for row, value in enumerate(ticks.values.tolist())]
    wire: dict[str, Any] = {"i": ticks.series, "t0": first, "t": ticks.times - first, "v": values}
    if not np.isnan(ticks.volumes).all():
        wire["q"] = _whole(ticks.volumes)
    if rows.counts is not None and rows.open is not None and rows.high is not None and rows.low is not None:
        wire |= {"k": rows.counts, "o": _whole(rows.open), "h": _whole(rows.high), "l": _whole(rows.low)}
    return wire


def data_part(src: int, a: int, b: int, rows: Rows) -> bytes:
    """Returns one source's part of a `d` frame: its rows, for seqs a..b."""
    part = {"src": src, "a": a, "b": b, "n": rows.tick_count, "rows": columns(rows)}
    return orjson.dumps(part, option=orjson.OPT_SERIALIZE_NUMPY)


def data(parts: Sequence[bytes]) -> Frame:
    token = _token()
    return Frame(b'{"t":"d","k":"%s","d":[%s]}' % (token.encode(), b",".join(parts)), token)


def snapshot(src: int, epoch: str, seq: int, parts: Sequence[Rows]) -> list[Frame]:
    """Returns the frames of a snapshot that stands for everything up to `seq`."""
    frames = []
    for number, rows in enumerate(parts, 1):
        token = _token()
        message = {"t": "snap", "src": src, "epoch": epoch, "seq": seq, "part": number, "parts": len(parts)}
        frames.append(Frame(encode(message | {"rows": columns(rows), "k": token}).data, token))
    return frames


def gap(src: int, a: int, b: int, why: str, start: int | None, end: int | None) -> Frame:
    """Says that a..b will not come, and why: trimmed, epoch, ahead, source, failover or slow.

    Where the number cannot be known (another epoch), b = a - 1. `start` and `end` are the times between which the
    ticks are missing, in milliseconds; None where unknown.
    """
    return encode({"t": "gap", "src": src, "a": a, "b": b, "why": why, "from": start, "to": end})


def state(src: int, now: SourceState) -> Frame:
    return encode({"t": "st", "src": src, **now.as_json()})


def standings(now: int, rows: Sequence[Mapping[str, Any]]) -> Frame:
    """Says of the sources that somebody oversees what has changed about them."""
    return encode({"t": "stat", "now": now, "s": list(rows)})


def heartbeat(now: int, positions: Mapping[int, tuple[str, int]]) -> Frame:
    token = _token()
    message = {"t": "hb", "now": now, "pos": {str(src): list(place) for src, place in positions.items()}, "k": token}
    return Frame(encode(message).data, token)


def farewell(code: CloseCode, msg: str | None = None) -> Frame:
    words, retry = FAREWELLS[code]
    return encode({"t": "bye", "code": int(code), "retry": retry, "resume": retry is not None, "msg": msg or words})


def ok(request: int) -> Frame:
    return encode({"t": "ok", "id": request})


def error(request: int | None, code: str, msg: str) -> Frame:
    return encode({"t": "err", "id": request, "code": code, "msg": msg})


def pong(request: int, now: int) -> Frame:
    return encode({"t": "pong", "id": request, "now": now})


def event(kind: str, content: Mapping[str, Any]) -> Frame:
    return encode({"t": "ev", "kind": kind, "data": content})
