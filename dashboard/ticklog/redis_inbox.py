"""Holds the inboxes of sources in Redis: a stream each, for several web processes and several workers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dashboard.ticklog.inbox import ENTRIES, ENTRY_BYTES, ONCE_SECONDS, Entry, Inbox, InboxFull, PutBefore
from dashboard.ticklog.redis_link import asking, connect

# Seconds that Redis may take to answer, and that a look may wait inside it, which must be less.
PATIENCE = 3.0
LONGEST_LOOK = 2.0
# Milliseconds after which an inbox into which nothing comes is forgotten: that of a source that is gone.
KEPT_MS = 7 * 86_400_000


class RedisInbox(Inbox):
    """One for all processes. A source that is being read takes a connection of its own, for as long as it waits."""

    def __init__(self, url: str, most_bytes: int, *, prefix: str = "tickwall") -> None:
        self._most_bytes, self._prefix = most_bytes, prefix
        # An entry that may have been put is not put again by itself: it could be there twice.
        self._redis = connect(url, PATIENCE, again=0)
        self._put = self._redis.register_script((Path(__file__).parent / "put.lua").read_text())

    async def close(self) -> None:
        await self._redis.aclose()

    def _key(self, source: int, name: str) -> str:
        return f"{self._prefix}:{{{source}}}:{name}"

    async def put(self, source: int, content: bytes, once: str = "") -> None:
        keys = [self._key(source, name) for name in ("inbox", "inbox.bytes", f"inbox.once.{once}")]
        remembered = ONCE_SECONDS * 1000 if once else ""
        arguments: list[bytes | str | int] = [
            content,
            len(content) + ENTRY_BYTES,
            self._most_bytes,
            remembered,
            KEPT_MS,
        ]
        async with asking():
            answer = await self._put(keys, arguments)
        if answer == b"full":
            raise InboxFull
        if answer == b"before":
            raise PutBefore

    async def read(self, source: int, after: str, seconds: float) -> Sequence[Entry]:
        block = max(1, int(1000 * min(seconds, LONGEST_LOOK)))
        async with asking():
            found = await self._redis.xread({self._key(source, "inbox"): after or "0"}, count=ENTRIES, block=block)
        return [Entry(name.decode(), fields[b"c"]) for _, entries in _streams(found) for name, fields in entries]

    async def remove(self, source: int, upto: str) -> None:
        milliseconds, _, number = upto.partition("-")
        async with asking():
            key = self._key(source, "inbox")
            await self._redis.xtrim(key, minid=f"{milliseconds}-{int(number) + 1}", approximate=False)


def _streams(found: object) -> list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """Reads what redis-py's types leave open."""
    if isinstance(found, dict):
        return [(name, [entry for batch in entries for entry in batch]) for name, entries in found.items()]
    return found or []  # type: ignore[return-value]
