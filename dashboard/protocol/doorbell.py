"""Holds the doorbell: the message by which a worker tells the hubs that there is something to read.

It carries no ticks. A lost one costs milliseconds, because the next one, or the hub's own look once a second, makes up
for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

TICKS = "ticks.rang"
STATES = "states.rang"


class Bell(TypedDict):
    """To the hubs: these sources have ticks that were not there before (TICKS), or states have changed (STATES)."""

    type: str
    sources: list[int]


def group(shard: int) -> str:
    """Names the channel-layer group that rings for a shard; a source's shard is its id modulo their number."""
    return f"ticks.{shard}"


def rings(sources: Iterable[int], shards: int) -> dict[str, Bell]:
    """Returns one message for each group that has something to ring for."""
    messages: dict[str, Bell] = {}
    for source in sources:
        messages.setdefault(group(source % shards), {"type": TICKS, "sources": []})["sources"].append(source)
    return messages


def states_rang() -> Bell:
    return {"type": STATES, "sources": []}
