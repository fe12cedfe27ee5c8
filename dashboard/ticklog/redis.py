"""Holds the tick log in Redis: a stream per source, for several web processes and several workers."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from redis.exceptions import NoScriptError

from dashboard.protocol.messages import SourceState
from dashboard.ticklog import codec
from dashboard.ticklog.base import Extent, Lease, LeaseLost, LogDamaged, Page, Standing, TickLog
from dashboard.ticklog.redis_entries import extent_of, last_of, take, take_all
from dashboard.ticklog.redis_link import answer_of, asking, connect, damage_in
from dashboard.timeseries.ring import Last, Ring
from dashboard.timeseries.tick import LOST, Ticks

logger = logging.getLogger(__name__)

# Milliseconds after which a lease that was not renewed is anybody's.
LEASE_MS = 6000
# Milliseconds after which what a worker said no longer stands if he has not been heard of since: by then another one
# has his sources, if there is one.
SILENT_MS = 12_000
# Seconds that Redis may take to answer. Nothing here blocks on purpose, so more means that it is away.
PATIENCE = 2.0
# Entries that one look fetches of a source.
ENTRIES = 500

_SCRIPTS = {name: (Path(__file__).parent / f"{name}.lua").read_text() for name in ("acquire", "append")}
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[2], 'owed', '0') end
"""
_ENLIST = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
return redis.call('ZCOUNT', KEYS[1], now - ARGV[2], '+inf')
"""


class RedisLog(TickLog):
    """One for all processes. Seqs are given inside Redis, by a script that checks the lease first.

    An entry of a source's stream is one flush, and is called by the seq of its last tick, so that Redis finds a
    position by itself. All keys of a source share a hash tag: a cluster keeps them on one node.
    """

    def __init__(self, url: str, *, seconds: float = 900, ticks: int = 1_000_000, prefix: str = "tickwall") -> None:
        self._seconds, self._ticks, self._prefix = seconds, ticks, prefix
        # A connection that was cut since it was last used is no news: it is made anew and the question asked once more.
        # That goes for any question: those that change something have names.
        self._redis = connect(url, PATIENCE, again=1)
        self._hashes: dict[str, str] = {}
        self._rings: dict[int, Ring] = {}
        # What each source's log is known to be at, by this writer, and the ids of batches that were not answered.
        self._confirmed: dict[int, int] = {}
        self._writer = secrets.token_hex(4)
        self._batches: dict[int, tuple[Ticks | tuple[Any, ...], str]] = {}
        self._count = 0
        # The names of questions for a lease that were not answered.
        self._claims: dict[tuple[int, str], str] = {}
        # One reader brings a ring up at a time; sources do not wait for each other.
        self._locks: dict[int, asyncio.Lock] = {}
        # Sources whose log could not be read at the last look; said once in the log of the process.
        self._damaged: set[int] = set()
        # The rings that somebody wanted since the others were last let go of, and when that was (milliseconds).
        self._looked_at: set[int] = set()
        self._swept_at = 0

    async def close(self) -> None:
        await self._redis.aclose()

    def _keys(self, source: int) -> list[str]:
        names = ("lease", "meta", "log", "marks", "last")
        return [f"{self._prefix}:{{{source}}}:{name}" for name in names]

    # --- writers ---

    async def acquire(self, source: int, owner: str) -> Lease | None:
        # The same question until it is answered: what was answered and not heard is answered again.
        claim = self._claims.setdefault((source, owner), secrets.token_hex(4))
        async with asking():
            keys = self._keys(source)
            arguments = (owner, LEASE_MS, _epoch(), claim)
            found = await answer_of(self._redis.eval(_SCRIPTS["acquire"], len(keys), *keys, *arguments))
        self._claims.pop((source, owner), None)
        if not found:
            return None
        # Whoever takes a lease knows nothing of the log yet.
        self._confirmed.pop(source, None)
        return Lease(source, int(found[0]), owner, int(found[1]) if found[1] else None)

    async def enlist(self, worker: str) -> int:
        async with asking():
            key = f"{self._prefix}:workers"
            return int(await answer_of(self._redis.eval(_ENLIST, 1, key, worker, LEASE_MS, SILENT_MS)))

    async def retire(self, worker: str) -> None:
        async with asking():
            await answer_of(self._redis.zrem(f"{self._prefix}:workers", worker))

    async def renew(self, leases: Sequence[Lease]) -> Sequence[Lease]:
        async with asking(), self._redis.pipeline(transaction=False) as pipe:
            for lease in leases:
                pipe.eval(_RENEW, 1, self._keys(lease.source)[0], _held(lease), LEASE_MS)
            kept = await pipe.execute(raise_on_error=False)
            return [lease for lease, was in zip(leases, kept, strict=True) if not damage_in(was) and was]

    async def release(self, lease: Lease) -> None:
        async with asking():
            keys = self._keys(lease.source)[:2]
            await answer_of(self._redis.eval(_RELEASE, 2, *keys, _held(lease)))

    async def append(self, batches: Sequence[tuple[Lease, Ticks]]) -> Sequence[Extent | LeaseLost | LogDamaged]:
        answers = await self._run_appends([(lease, ticks, ("", "", "")) for lease, ticks in batches])
        return [self._result(lease, answer) for (lease, _), answer in zip(batches, answers, strict=True)]

    async def lose(self, lease: Lease, count: int, why: str, start: int | None, end: int | None) -> None:
        ticks = Ticks.lost(count, end or start or 0)
        gap = (why, "" if start is None else str(start), "" if end is None else str(end))
        (answer,) = await self._run_appends([(lease, ticks, gap)])
        result = self._result(lease, answer)
        if not isinstance(result, Extent):
            raise result

    async def _run_appends(self, wanted: list[tuple[Lease, Ticks, tuple[str, str, str]]]) -> list[Any]:
        """Runs the script for each, in one round trip; in a second one for those that found no script."""
        calls = [self._append_call(*one) for one in wanted]
        async with asking():
            answers = await self._evaluate(calls)
            missing = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if missing:
                self._hashes["append"] = await self._redis.script_load(_SCRIPTS["append"])
                for place, answer in zip(missing, await self._evaluate([calls[p] for p in missing]), strict=True):
                    answers[place] = answer
        return [damage_in(answer) or answer for answer in answers]

    async def _evaluate(self, calls: list[tuple[list[str], list[Any]]]) -> list[Any]:
        if "append" not in self._hashes:
            self._hashes["append"] = await self._redis.script_load(_SCRIPTS["append"])
        async with self._redis.pipeline(transaction=False) as pipe:
            for keys, arguments in calls:
                pipe.evalsha(self._hashes["append"], len(keys), *keys, *arguments)
            return list(await pipe.execute(raise_on_error=False))

    def _append_call(self, lease: Lease, ticks: Ticks, gap: tuple[str, str, str]) -> tuple[list[str], list[Any]]:
        arguments: list[Any] = [
            _held(lease),
            # A loss has no ticks of its own: the same words about as many are the same loss.
            self._batch_id(lease.source, (len(ticks), *gap) if gap[0] else ticks),
            self._confirmed.get(lease.source, 0),
            _epoch(),
            len(ticks),
            b"" if gap[0] else codec.pack(ticks),
            *gap,
            self._ticks,
            int(self._seconds * 1000),
        ]
        for series, row in dict(zip(ticks.series.tolist(), range(len(ticks)), strict=True)).items():
            if series != LOST:
                arguments += [series, row, codec.pack(ticks.cut(row, row + 1))]
        return self._keys(lease.source), arguments

    def _batch_id(self, source: int, batch: Ticks | tuple[Any, ...]) -> str:
        """Names a batch; the same one, given again after an unanswered append, keeps its name."""
        before, name = self._batches.get(source, (None, ""))
        if before is not batch and not (isinstance(batch, tuple) and before == batch):
            self._count += 1
            name = f"{self._writer}:{self._count}"
            self._batches[source] = (batch, name)
        return name

    def _result(self, lease: Lease, answer: Any) -> Extent | LeaseLost | LogDamaged:
        self._batches.pop(lease.source, None)
        if isinstance(answer, LogDamaged):
            return answer
        if answer[0] == b"lost":
            return LeaseLost(f"source {lease.source}: token {lease.token} was not the lease, {answer[1].decode()} is")
        extent = Extent(answer[0].decode(), int(answer[1]), int(answer[2]))
        self._confirmed[lease.source] = extent.head
        return extent

    # --- readers ---

    async def extent(self, source: int) -> Extent:
        async with asking():
            return extent_of(await answer_of(self._redis.hmget(self._keys(source)[1], "epoch", "seq", "floor")))

    async def standings(self, sources: Sequence[int]) -> Mapping[int, Standing]:
        async with asking(), self._redis.pipeline(transaction=False) as pipe:
            for source in sources:
                lease, meta, *_ = self._keys(source)
                pipe.get(lease)
                pipe.hmget(meta, "epoch", "seq", "floor", "lost")
            answers = await pipe.execute(raise_on_error=False)
        return {
            source: Standing(
                extent_of(meta[:3]), lease.decode().partition(":")[2] if lease else None, int(meta[3] or 0)
            )
            for source, lease, meta in zip(sources, answers[::2], answers[1::2], strict=True)
            if not damage_in(lease, meta)
        }

    async def read(self, source: int, after: int, limit: int) -> Page:
        extent = await self.extent(source)
        # The ring only gathers: how long ticks are kept is the log's business, not the page's.
        ring = Ring(extent.epoch, ticks=limit, seconds=10**9, head=max(after, extent.oldest - 1))
        while len(ring) < limit and ring.head < extent.head:
            async with asking():
                entries = await self._redis.xrange(
                    self._keys(source)[2], f"({ring.head}-0", f"{2**62}-0", count=min(ENTRIES, limit)
                )
            if not entries:
                break
            for entry in entries:
                take(ring, entry, most=limit - len(ring))
                if len(ring) == limit:
                    break
        return Page(extent, ring.oldest, ring.head, ring.slice(ring.oldest, ring.head))

    async def latest(self, source: int) -> Mapping[int, Last]:
        async with asking():
            found = await answer_of(self._redis.hgetall(self._keys(source)[4]))
        return {int(series): last_of(packed) for series, packed in found.items()}

    def ring(self, source: int) -> Ring:
        if source not in self._rings:
            self._rings[source] = Ring("", ticks=self._ticks, seconds=self._seconds)
        return self._rings[source]

    async def refresh(self, sources: Iterable[int]) -> None:
        """Fetches what is new of each source in one round trip, in several where a lot is."""
        async with AsyncExitStack() as held:
            behind = set(sources)
            for source in sorted(behind):
                await held.enter_async_context(self._locks.setdefault(source, asyncio.Lock()))
            while behind:
                rings = {source: self.ring(source) for source in behind}
                async with asking(), self._redis.pipeline(transaction=False) as pipe:
                    pipe.time()
                    for source, ring in rings.items():
                        _, meta, log, *_ = self._keys(source)
                        pipe.hmget(meta, "epoch", "seq", "floor")
                        pipe.xrange(log, f"({ring.head}-0", f"{2**62}-0", count=ENTRIES)
                    time, *answers = await pipe.execute(raise_on_error=False)
                    damage_in(time)
                pairs = zip(rings, answers[::2], answers[1::2], strict=True)
                behind = {source for source, meta, entries in pairs if await self._take_in(source, meta, entries)}
                self._age(rings, _milliseconds(time))

    def _age(self, looked_at: Iterable[int], now: int) -> None:
        """Lets the age limit pass over these rings, which may have gone silent, and lets go of those that nobody has
        looked at for as long as ticks are kept. `now` is of the clock that dated the entries, that of Redis."""
        for source in looked_at:
            self.ring(source).trim(now)
        self._looked_at.update(looked_at)
        if now - self._swept_at < self._seconds * 1000:
            return
        self._rings = {source: ring for source, ring in self._rings.items() if source in self._looked_at}
        self._looked_at, self._swept_at = set(), now

    async def _take_in(self, source: int, meta: Any, entries: Any) -> bool:
        """Takes what was read of a source into its ring; returns True when there is more to read. Of a source whose log
        is damaged there is not: its viewers keep what they have, and the worker says what is wrong."""
        try:
            if damage := damage_in(meta, entries):
                raise damage
            more = await self._bring_up(source, meta, entries)
        except LogDamaged as error:
            if source not in self._damaged:
                logger.warning("source=%d: its log cannot be read: %s", source, error)
            self._damaged.add(source)
            return False
        self._damaged.discard(source)
        return more

    async def _bring_up(self, source: int, meta: list[bytes | None], entries: list[Any]) -> bool:
        ring, extent = self.ring(source), extent_of(meta)
        if not extent.epoch:
            # Nobody has written yet, or Redis has lost everything and nobody has written since: what is here stays.
            return False
        if extent.epoch != ring.epoch or extent.head < ring.head:
            # Made beside the old one: whoever looks meanwhile must not see a log that ends where we are just reading.
            self._rings[source] = await self._read_ring(source, extent)
            return False
        take_all(ring, entries)
        return len(entries) == ENTRIES

    async def _read_ring(self, source: int, extent: Extent) -> Ring:
        """Reads a whole log, up to a moment at which the last ticks of all series are known as well."""
        _, meta, log, _, last = self._keys(source)
        ring = Ring(extent.epoch, ticks=self._ticks, seconds=self._seconds, head=extent.oldest - 1)
        while True:
            async with asking(), self._redis.pipeline(transaction=True) as pipe:
                pipe.hmget(meta, "epoch", "seq", "floor")
                pipe.xrange(log, f"({ring.head}-0", f"{2**62}-0", count=ENTRIES)
                pipe.hgetall(last)
                found, entries, lasts = await pipe.execute(raise_on_error=False)
            if damage := damage_in(found, entries, lasts):
                raise damage
            extent = extent_of(found)
            if extent.epoch != ring.epoch:
                # Another one began meanwhile; half of the old one would be a log that ends where it does not.
                ring.reset(extent.epoch, extent.oldest - 1)
                continue
            take_all(ring, entries)
            if len(entries) < ENTRIES:
                ring.last = {int(series): last_of(packed) for series, packed in lasts.items()}
                return ring

    async def publish(self, states: Mapping[int, SourceState], worker: str) -> None:
        async with asking():
            packed: dict[Any, Any] = {
                source: orjson.dumps({"by": worker, **asdict(state)}) for source, state in states.items()
            }
            await answer_of(self._redis.hset(f"{self._prefix}:states", mapping=packed))

    async def states(self) -> Mapping[int, SourceState]:
        async with asking(), self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.zrange(f"{self._prefix}:workers", 0, -1, withscores=True)
            pipe.hgetall(f"{self._prefix}:states")
            time, workers, found = await pipe.execute()
        oldest = _milliseconds(time) - SILENT_MS
        present = {worker.decode() for worker, heard in workers if heard >= oldest}
        return {int(source): _state(packed, present) for source, packed in found.items()}

    async def forget(self, source: int) -> None:
        async with asking(), self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(*self._keys(source))
            pipe.hdel(f"{self._prefix}:states", str(source))
            await pipe.execute()
        self._rings.pop(source, None)


def _milliseconds(time: tuple[int, int]) -> int:
    """Reads what Redis's TIME answers: seconds and microseconds."""
    return time[0] * 1000 + time[1] // 1000


def _state(packed: bytes, present: Collection[str]) -> SourceState:
    said = orjson.loads(packed)
    worker, state = said.pop("by", ""), SourceState(**said)
    if worker in present or state.state == "stopped":
        return state
    # The time is one that stays the same from one look to the next.
    return SourceState("down", state.last or state.since, state.last, 0.0, "No worker has spoken of it since")


def _epoch() -> str:
    return secrets.token_urlsafe(6)


def _held(lease: Lease) -> str:
    return f"{lease.token}:{lease.owner}"
