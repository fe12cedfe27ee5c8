"""Turns what Redis holds of a source into ticks and gaps of a ring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dashboard.ticklog import codec
from dashboard.ticklog.base import Extent, LogDamaged
from dashboard.timeseries.ring import Last, Ring
from dashboard.timeseries.tick import Ticks


@contextmanager
def _reading() -> Iterator[None]:
    """Turns what cannot be read into LogDamaged."""
    try:
        yield
    except (KeyError, ValueError) as error:
        raise LogDamaged(f"something in it was not written by this log: {error!r}") from error


@_reading()
def extent_of(meta: Sequence[bytes | None]) -> Extent:
    epoch, seq, floor = meta
    return Extent(epoch.decode() if epoch else "", int(floor or 0) + 1, int(seq or 0))


@_reading()
def last_of(packed: bytes) -> Last:
    seq, _, tick = packed.partition(b" ")
    ticks = codec.unpack(tick)
    volume = float(ticks.volumes[0])
    value = ticks.texts.get(0, float(ticks.values[0]))
    return Last(int(seq), int(ticks.times[0]), value, None if volume != volume else volume)


@_reading()
def take_all(ring: Ring, entries: Sequence[Any]) -> None:
    """Appends what the ring does not have of entries: those of about the same age (a ring does not tell more
    apart) in one go, which is what makes it quick to read a whole log."""
    together: list[Ticks] = []
    begun = 0

    def append() -> None:
        if together:
            ring.append(Ticks.join(together), begun)
            together.clear()

    head = ring.head
    for name, fields in entries:
        last, count, at = int(name.partition(b"-")[0]), int(fields[b"n"]), int(fields[b"at"])
        if last - count == head and not fields[b"w"]:
            if together and at - begun >= ring.max_age // 200:
                append()
            if not together:
                begun = at
            together.append(codec.unpack(fields[b"c"]))
            head = last
        else:
            append()
            take(ring, (name, fields))
            head = ring.head
    append()


@_reading()
def take(ring: Ring, entry: Any, most: int | None = None) -> None:
    """Appends what the ring does not have of an entry, at most `most` ticks of it."""
    name, fields = entry
    last, count, at = int(name.partition(b"-")[0]), int(fields[b"n"]), int(fields[b"at"])
    first = last - count + 1
    if last <= ring.head:
        return
    if first > ring.head + 1:
        # Between two looks the log was trimmed beyond what we have.
        lasts = ring.last
        ring.reset(ring.epoch, first - 1)
        ring.last = lasts
    have = ring.head + 1 - first  # a position within an entry, where the reader came by paging
    if fields[b"w"]:
        start, end = (int(fields[key]) if fields[key] else None for key in (b"f", b"u"))
        ring.lose(count - have, fields[b"w"].decode(), start, end, at)
        return
    ticks = codec.unpack(fields[b"c"])
    ring.append(ticks.cut(have, count if most is None else min(have + most, count)), at)
