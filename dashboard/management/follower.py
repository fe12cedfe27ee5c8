"""Follows one source as a viewer of `tickwall.v1.json`: checks that messages tile the seq line, and keeps the ledger.

It does no I/O: messages go in, rows and remarks come out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Data messages and bytes after which an acknowledgement is due, whatever the time.
ACK_FRAMES = 16
ACK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class SeriesName:
    key: str
    unit: str
    decimals: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of output: `time` in milliseconds since 1970 UTC; `count` ticks in it, between `low` and `high`."""

    series: int
    name: SeriesName
    time: int
    value: float | str
    volume: float | None = None
    count: int = 1
    open: float | None = None
    high: float | None = None
    low: float | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the reader has to know: a gap, a state, an error. `facts` is for programs, `words` for people."""

    words: str
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Ledger:
    """Counts ticks: published = shown + merged + other + gap, where `other` are of series that were not asked for."""

    published: int = 0
    shown: int = 0
    merged: int = 0
    other: int = 0
    gap: int = 0
    overlaps: int = 0

    @property
    def unexplained(self) -> int:
        return self.published - self.shown - self.merged - self.other - self.gap

    @property
    def clean(self) -> bool:
        return self.unexplained == 0 and self.overlaps == 0

    def __str__(self) -> str:
        other = f" + {self.other:,} of other series" if self.other else ""
        overlaps = f", {self.overlaps:,} sent twice" if self.overlaps else ""
        return (
            f"{self.published:,} published = {self.shown:,} shown + {self.merged:,} merged{other} + {self.gap:,} gap"
            f" · {self.unexplained:,} unexplained{overlaps}"
        )


class Follower:
    """One viewer of one source, over as many connections as it takes."""

    def __init__(self, source: int) -> None:
        self.source = source
        self.ledger = Ledger()
        # The last position that is accounted for; None before the first snapshot.
        self.epoch: str | None = None
        self.seq = 0
        # Set when the server does not continue where we are: ask once more from here before complaining.
        self.lost = False
        self._asked_at: int | None = None
        # While we wait for the answer to that, what is still on its way does not count.
        self._waiting = False
        self._behind_at: int | None = None
        self._names: dict[int, SeriesName] = {}
        self._state = ("", "")
        self._token: str | None = None
        self._frames = self._bytes = 0
        self._urgent = False

    @property
    def since(self) -> dict[str, list[Any]]:
        return {} if self.epoch is None else {str(self.source): [self.epoch, self.seq]}

    def connected(self) -> None:
        """Forgets what belonged to the connection before."""
        self.lost = self._waiting = False
        self._asked_at = self._behind_at = self._token = None

    def resubscribed(self) -> None:
        self.lost, self._asked_at, self._waiting = False, self.seq, True

    def ack(self, *, late: bool) -> str | None:
        """Returns the token to acknowledge now, if any; `late` = a second has gone by since the last one."""
        due = self._urgent or late or self._frames >= ACK_FRAMES or self._bytes >= ACK_BYTES
        if not due or self._token is None:
            return None
        token, self._token = self._token, None
        self._frames = self._bytes = 0
        self._urgent = False
        return token

    def take(self, message: Mapping[str, Any], size: int) -> Iterator[Row | Remark]:
        """Takes one message of the server and yields what there is to show. Unknown ones are ignored."""
        if isinstance(message.get("k"), str):
            self._token = message["k"]
            self._frames += 1
            self._bytes += size
        if self._waiting and message.get("t") in ("snap", "d", "gap"):
            return
        match message.get("t"):
            case "subd":
                self._waiting = False
                self._names = {
                    number: SeriesName(key, unit, decimals) for number, _, key, _, unit, decimals in message["series"]
                }
            case "snap" if message["src"] == self.source:
                yield from self._snapshot(message)
            case "d":
                for part in message["d"]:
                    if part["src"] == self.source:
                        yield from self._data(part)
            case "gap" if message["src"] == self.source:
                yield from self._gap(message)
            case "st" if message["src"] == self.source:
                yield from self._state_said(message["state"], message.get("msg") or "")
            case "hb":
                self._urgent = True
                self._compare(message.get("pos", {}))
            case "err":
                yield Remark(f"error: {message['msg']}", {"error": message["msg"], "code": message.get("code")})

    def _state_said(self, state: str, msg: str) -> Iterator[Remark]:
        if (state, msg) != self._state:  # it is repeated with every new rate
            self._state = state, msg
            yield Remark(f"{state}: {msg}" if msg else state, {"state": state, "msg": msg})

    def _snapshot(self, message: Mapping[str, Any]) -> Iterator[Remark]:
        """A snapshot says where the seq line begins; elsewhere than where we are, only a gap may come before it."""
        epoch, seq = message["epoch"], message["seq"]
        if self.epoch == epoch and seq > self.seq:
            self.ledger.published += seq - self.seq  # nobody has explained these
            yield Remark(f"{seq - self.seq} ticks were skipped in silence", {"unexplained": [self.seq + 1, seq]})
        self.epoch, self.seq = epoch, seq

    def _data(self, part: Mapping[str, Any]) -> Iterator[Row | Remark]:
        a, b = part["a"], part["b"]
        if b <= self.seq:
            self.ledger.overlaps += b - a + 1
            return
        if not self._continues(a):
            return
        yield from self._step(a, b)
        rows = list(self._rows(part["rows"]))
        told = sum(row.count for row in rows)
        self.ledger.shown += len(rows)
        self.ledger.merged += told - len(rows)
        self.ledger.other += b - a + 1 - part["n"]
        yield from rows

    def _gap(self, message: Mapping[str, Any]) -> Iterator[Row | Remark]:
        a, b, why = message["a"], message["b"], message["why"]
        if b >= a and b > self.seq:
            if not self._continues(a):
                return
            yield from self._step(a, b)
            self.ledger.gap += b - a + 1
        count = f"{b - a + 1:,} ticks" if b >= a else "an unknown number of ticks"
        yield Remark(f"gap: {count} will not come ({why})", {"gap": [a, b], "why": why})
        if why in ("epoch", "ahead"):
            self.epoch = None  # the snapshot that follows begins a line of its own

    def _continues(self, a: int) -> bool:
        """Tells whether to go on with a message that begins at `a`; False asks the server once more from here."""
        if a > self.seq + 1 and self._asked_at != self.seq:
            self.lost = True
        return not self.lost

    def _step(self, a: int, b: int) -> Iterator[Remark]:
        """Moves to `b`, noting what lies between us and `a`, or what came before."""
        if a > self.seq + 1:
            yield Remark(f"{a - self.seq - 1} ticks are missing", {"unexplained": [self.seq + 1, a - 1]})
            self.ledger.published += a - self.seq - 1
        elif a <= self.seq:
            self.ledger.overlaps += self.seq - a + 1
        self.ledger.published += b - a + 1
        self.seq = b

    def _rows(self, rows: Mapping[str, Any]) -> Iterator[Row]:
        series, count = rows["i"], len(rows["i"])
        absent: list[Any] = [None] * count
        counts = rows.get("k", [1] * count)
        volumes, opens, highs, lows = (rows.get(name, absent) for name in "qohl")
        for row, one in enumerate(series):
            name = self._names.get(one) or SeriesName(str(one), "", None)
            merged = counts[row] > 1
            yield Row(
                *(one, name, rows["t0"] + rows["t"][row], rows["v"][row], volumes[row], counts[row]),
                *((opens[row], highs[row], lows[row]) if merged else (None, None, None)),
            )

    def _compare(self, positions: Mapping[str, Any]) -> None:
        """Two heartbeats in a row that know of ticks which have not come are a loss that nothing else would show."""
        head = positions.get(str(self.source))
        behind = head is not None and self.epoch is not None and (head[0] != self.epoch or head[1] > self.seq)
        if behind and self._behind_at == self.seq and self._asked_at != self.seq:
            self.lost = True
        self._behind_at = self.seq if behind else None
