"""The site, with a hub that fails for a moment whenever its process gets SIGUSR1."""

from __future__ import annotations

import signal
import time
from typing import Any

from config.asgi import application
from dashboard.live.hub import Hub

__all__ = ["application"]

# Seconds for which every look at the log fails.
OUTAGE = 0.5

_read = Hub._read
_until = 0.0


async def _fail(hub: Hub, rung: set[int], states_rung: bool) -> None:
    if time.monotonic() < _until:
        raise RuntimeError("sabotage")
    await _read(hub, rung, states_rung)


def _begin(number: int, frame: Any) -> None:
    global _until
    _until = time.monotonic() + OUTAGE


Hub._read = _fail  # type: ignore[method-assign]
signal.signal(signal.SIGUSR1, _begin)
