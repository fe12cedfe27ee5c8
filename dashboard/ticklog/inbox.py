"""Holds what was pushed to sources until their feeds take it: in the memory of a single process, or in Redis."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# What an entry counts besides its content: a flood of small ones is a flood as well.
ENTRY_BYTES = 100
# Entries that one look returns at most.
ENTRIES = 64
# Seconds for which what must come only once is remembered, and how many such names a single process remembers.
ONCE_SECONDS = 600
ONCE_NAMES = 200_000


class InboxFull(Exception):
    """There is no room for the entry; nothing was put."""


class PutBefore(Exception):
    """The entry was to be put once, and was put before; nothing was put now."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one request brought; `id` grows from entry to entry."""

    id: str
    content: bytes


class Inbox(ABC):
    """Keeps the entries of each source in the order in which they came, up to so many bytes of each.

    An entry stays until it is removed, so whoever takes a source over finds what his predecessor had not finished.
    Every method may raise LogUnreachable.
    """

    @abstractmethod
    async def put(self, source: int, content: bytes, once: str = "") -> None:
        """Adds an entry. Raises InboxFull, or PutBefore if an entry with the same `once` came in the last minutes."""

    @abstractmethod
    async def read(self, source: int, after: str, seconds: float) -> Sequence[Entry]:
        """Returns the entries after an id ("" = from the oldest), as many as fit a look; waits up to `seconds`."""

    @abstractmethod
    async def remove(self, source: int, upto: str) -> None:
        """Lets go of the entries up to an id."""

    @abstractmethod
    async def close(self) -> None:
        """Lets go of what the inbox holds open in this process."""


@dataclass(slots=True)
class _Box:
    entries: deque[Entry] = field(default_factory=deque)
    bytes: int = 0
    last: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryInbox(Inbox):
    """The embedded default: web and worker are one process, and what waits here ends with it."""

    def __init__(self, most_bytes: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes, self._monotonic = most_bytes, monotonic
        self._boxes: dict[int, _Box] = {}
        self._once: OrderedDict[tuple[int, str], float] = OrderedDict()

    async def put(self, source: int, content: bytes, once: str = "") -> None:
        box = self._boxes.setdefault(source, _Box())
        if box.bytes + len(content) + ENTRY_BYTES > self._most_bytes:
            raise InboxFull
        if once:
            self._note(source, once)
        box.last += 1
        box.bytes += len(content) + ENTRY_BYTES
        box.entries.append(Entry(str(box.last), content))
        box.came.set()

    def _note(self, source: int, once: str) -> None:
        now = self._monotonic()
        while self._once and next(iter(self._once.values())) <= now:
            self._once.popitem(last=False)
        if (source, once) in self._once:
            raise PutBefore
        if len(self._once) >= ONCE_NAMES:
            # To forget one before its time would let it in again.
            raise InboxFull
        self._once[source, once] = now + ONCE_SECONDS

    async def read(self, source: int, after: str, seconds: float) -> Sequence[Entry]:
        box, last = self._boxes.setdefault(source, _Box()), int(after or 0)
        if not box.entries or box.last <= last:
            box.came.clear()
            try:
                async with asyncio.timeout(seconds):
                    await box.came.wait()
            except TimeoutError:
                return ()
        # Entries have numbers without holes, so the first one that is wanted has a known place.
        skip = max(0, last + 1 - int(box.entries[0].id))
        return [box.entries[place] for place in range(skip, min(skip + ENTRIES, len(box.entries)))]

    async def remove(self, source: int, upto: str) -> None:
        box = self._boxes.get(source)
        while box and box.entries and int(box.entries[0].id) <= int(upto):
            box.bytes -= len(box.entries.popleft().content) + ENTRY_BYTES

    async def close(self) -> None:
        """Nothing is open."""
