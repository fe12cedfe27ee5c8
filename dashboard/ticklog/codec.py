"""Turns a batch of ticks into the bytes of one log entry, and back."""

from __future__ import annotations

import struct

import numpy as np
import orjson

from dashboard.timeseries.tick import Ticks

# Version, flags, number of ticks, time of the first.
_HEAD = struct.Struct("<BBIq")
_VERSION = 1
_VOLUMES, _TEXTS, _WIDE_TIMES = 1, 2, 4


def pack(ticks: Ticks) -> bytes:
    """Returns ids (4 bytes), times (4 bytes after the first, 8 if they lie more than 24 days apart), values (8) and,
    only where some tick has one, volumes (8) and texts: 16 to 28 bytes a numeric tick."""
    first = int(ticks.times[0]) if len(ticks) else 0
    times = ticks.times - first
    wide = len(ticks) > 0 and int(np.abs(times).max()) >= 2**31
    volumes = not np.isnan(ticks.volumes).all()
    flags = volumes * _VOLUMES | bool(ticks.texts) * _TEXTS | wide * _WIDE_TIMES
    parts = [
        _HEAD.pack(_VERSION, flags, len(ticks), first),
        ticks.series.astype("<u4").tobytes(),
        times.astype("<i8" if wide else "<i4").tobytes(),
        ticks.values.astype("<f8").tobytes(),
    ]
    if volumes:
        parts.append(ticks.volumes.astype("<f8").tobytes())
    if ticks.texts:
        parts.append(orjson.dumps({str(row): text for row, text in ticks.texts.items()}))
    return b"".join(parts)


def unpack(data: bytes) -> Ticks:
    """Reads what `pack` wrote. Raises ValueError for anything else."""
    try:
        version, flags, count, first = _HEAD.unpack_from(data)
    except struct.error as error:
        raise ValueError(str(error)) from None
    if version != _VERSION:
        raise ValueError(f"an entry of version {version}; this code reads {_VERSION}")
    at = _HEAD.size

    def column(kind: str) -> np.ndarray:
        nonlocal at
        values = np.frombuffer(data, kind, count, at)
        at += values.nbytes
        return values

    series = column("<u4").astype(np.uint32, copy=False)
    times = column("<i8" if flags & _WIDE_TIMES else "<i4").astype(np.int64) + first
    values = column("<f8").astype(np.float64, copy=False)
    volumes = column("<f8").astype(np.float64, copy=False) if flags & _VOLUMES else np.full(count, np.nan)
    texts = {int(row): str(text) for row, text in orjson.loads(data[at:]).items()} if flags & _TEXTS else {}
    return Ticks(series, times, values, volumes, texts)
