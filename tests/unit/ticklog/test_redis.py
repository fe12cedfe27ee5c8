"""Tests what only the log in Redis has to do: races between processes, answers that get lost, a Redis that restarts."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from dashboard.protocol.messages import SourceState
from dashboard.ticklog import redis as redis_module
from dashboard.ticklog import redis_link
from dashboard.ticklog.base import Extent, Lease, LeaseLost, LogDamaged, LogUnreachable
from dashboard.ticklog.redis import RedisLog
from dashboard.timeseries.tick import Ticks
from tests.faults.members import Redis

RACES = 200


def ticks(*values: float) -> Ticks:
    return Ticks.of([1] * len(values), list(range(len(values))), list(values), [None] * len(values))


@pytest.fixture
async def processes(redis_url: str) -> AsyncIterator[Callable[[], RedisLog]]:
    """Returns logs as several processes have them: connections of their own to the same keys."""
    prefix = f"test-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:

        def another() -> RedisLog:
            log = RedisLog(redis_url, prefix=prefix)
            stack.push_async_callback(log.close)
            return log

        yield another


async def held(log: RedisLog, owner: str, source: int = 1) -> Lease:
    lease = await log.acquire(source, owner)
    assert lease is not None
    return lease


async def expire(log: RedisLog, source: int = 1) -> None:
    """Lets the lease run out now."""
    await log._redis.delete(log._keys(source)[0])


async def test_f4_of_two_who_ask_in_the_same_moment_one_gets_the_lease(processes: Callable[[], RedisLog]) -> None:
    """Fails when the script asks and takes in two steps."""
    ana, ben = processes(), processes()
    winners = []
    for source in range(1, RACES + 1):
        leases = await asyncio.gather(ana.acquire(source, "ana"), ben.acquire(source, "ben"))
        (lease,) = [lease for lease in leases if lease is not None]
        winners.append(lease.owner)
    assert len(winners) == RACES


async def test_every_late_append_is_refused_by_its_token(processes: Callable[[], RedisLog]) -> None:
    ana, ben = processes(), processes()
    late = await held(ana, "ana")
    await ana.append([(late, ticks(1, 2))])
    await expire(ana)
    lease = await held(ben, "ben")
    assert lease.token == late.token + 1
    assert lease.orphaned is not None
    for _ in range(20):
        results = await ana.append([(late, ticks(3))])
        assert isinstance(results[0], LeaseLost)
    with pytest.raises(LeaseLost):
        await ana.lose(late, 1, "source", None, None)
    assert await ana.renew([late]) == []
    await ana.release(late)
    (extent,) = await ben.append([(lease, ticks(3, 4))])
    assert isinstance(extent, Extent)
    assert extent.head == 4
    assert (await ben.read(1, 0, 10)).ticks.values.tolist() == [1, 2, 3, 4]


async def test_a_batch_whose_answer_was_lost_is_known_whoever_holds_the_lease_by_now(
    processes: Callable[[], RedisLog],
) -> None:
    ana, ben = processes(), processes()
    lease = await held(ana, "ana")
    batch = ticks(1, 2, 3)
    await ana._evaluate([ana._append_call(lease, batch, ("", "", ""))])
    await expire(ana)
    await held(ben, "ben")
    (extent,) = await ana.append([(lease, batch)])
    assert isinstance(extent, Extent), "it is there, and must not be called lost"
    assert extent.head == 3
    (refused,) = await ana.append([(lease, ticks(4))])
    assert isinstance(refused, LeaseLost)


async def test_a_loss_whose_answer_was_lost_is_said_once(processes: Callable[[], RedisLog]) -> None:
    log = processes()
    lease = await held(log, "ana")
    await log._evaluate([log._append_call(lease, Ticks.lost(5, 0), ("failover", "1", "2"))])
    await log.lose(lease, 5, "failover", 1, 2)
    assert (await log.extent(1)).head == 5
    await log.lose(lease, 5, "failover", 1, 2)
    assert (await log.extent(1)).head == 10, "the same again is another one"


async def test_nobody_sees_half_of_a_log_that_is_being_read(
    processes: Callable[[], RedisLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the ring in use is the one that is filled: viewers ahead of it would be told of a gap."""
    monkeypatch.setattr(redis_module, "ENTRIES", 2)
    writer, reader = processes(), processes()
    lease = await held(writer, "ana")
    for number in range(50):
        await writer.append([(lease, ticks(number))])
    reading = asyncio.create_task(reader.refresh([1]))
    heads = set()
    while not reading.done():
        ring = reader.ring(1)
        heads.add(ring.head)
        assert all(last.seq <= ring.head for last in ring.last.values())
        await asyncio.sleep(0)
    assert heads <= {0, 50}
    assert reader.ring(1).head == 50


async def test_an_epoch_that_ends_while_its_log_is_read(
    processes: Callable[[], RedisLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_module, "ENTRIES", 2)
    writer, reader = processes(), processes()
    lease = await held(writer, "ana")
    for number in range(20):
        await writer.append([(lease, ticks(number))])
    extent = await reader.extent(1)
    await writer._redis.hset(writer._keys(1)[1], "run", "another one")
    await expire(writer)
    lease = await held(writer, "ben")
    await writer.append([(lease, ticks(1, 2, 3))])
    ring = await reader._read_ring(1, extent)
    assert (ring.epoch, ring.head) == ((await reader.extent(1)).epoch, 3)
    assert ring.epoch != extent.epoch


async def restarted(redis: Redis) -> None:
    redis.kill()
    redis.start()
    await redis.ready()


async def test_a_restart_that_lost_nothing_needs_no_new_epoch_one_that_nobody_vouches_for_does(tmp_path: Path) -> None:
    redis = Redis(tmp_path, "always")
    redis.start()
    try:
        await redis.ready()
        log = RedisLog(redis.url, seconds=1)
        lease = await held(log, "ana")
        (before,) = await log.append([(lease, ticks(1, 2))])
        await restarted(redis)
        batch = ticks(3)
        (after,) = await log.append([(lease, batch)])
        assert isinstance(before, Extent)
        assert isinstance(after, Extent)
        assert (after.epoch, after.head) == (before.epoch, 3)

        await expire(log)
        lease = await held(log, "ben")
        (after,) = await log.append([(lease, ticks(4))])
        assert isinstance(after, Extent)
        assert (after.epoch, after.head) == (before.epoch, 4), "ana had gone on across the restart"

        await expire(log)
        await restarted(redis)
        other = RedisLog(redis.url, seconds=1)
        lease = await held(other, "ben")
        (after,) = await other.append([(lease, ticks(5))])
        assert isinstance(after, Extent)
        assert after.epoch != before.epoch
        assert after.head == 1
        await log.close()
        await other.close()
    finally:
        redis.remove()


async def test_a_lease_whose_answer_was_lost_is_given_again_with_what_its_last_owner_left(
    processes: Callable[[], RedisLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the answer would be lost the only word that something is missing."""
    ana, ben = processes(), processes()
    await ana.append([(await held(ana, "ana"), ticks(1, 2))])
    await expire(ana)

    ask, first = ben._redis.eval, []

    async def unheard(*arguments: Any) -> None:
        first.append(await ask(*arguments))
        raise ConnectionError("cut off")

    monkeypatch.setattr(ben._redis, "eval", unheard)
    with pytest.raises(LogUnreachable):
        await ben.acquire(1, "ben")
    monkeypatch.undo()
    lease = await held(ben, "ben")
    assert [lease.token, str(lease.orphaned).encode()] == first[0]
    assert lease.orphaned is not None
    await ben.lose(lease, 1, "failover", lease.orphaned, None)
    again = await held(ben, "ben")
    assert (again.token, again.orphaned) == (lease.token + 1, None), "another question, another lease"


async def test_what_a_worker_said_stands_while_he_is_there(
    processes: Callable[[], RedisLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = processes()
    live, stopped = SourceState("live", 5, 6, 99.5), SourceState("stopped", 7)
    await log.publish({1: live, 2: stopped}, "ana")
    await log.enlist("ben")
    gone = SourceState("down", 6, 6, 0.0, "No worker has spoken of it since")
    assert dict(await log.states()) == {1: gone, 2: stopped}
    await log.enlist("ana")
    assert dict(await log.states()) == {1: live, 2: stopped}
    # A state without a name is from before there were names.
    await log._redis.hset(f"{log._prefix}:states", "3", b'{"state":"live","since":8}')
    assert (await log.states())[3].state == "down"
    monkeypatch.setattr(redis_module, "SILENT_MS", 0)
    await asyncio.sleep(0.01)
    assert (await log.states())[1] == gone


async def test_a_silent_source_loses_its_old_ticks_with_a_look(redis_url: str) -> None:
    """Both clocks are that of Redis: those of the web processes may differ."""
    log = RedisLog(redis_url, seconds=0.2, prefix=f"test-{secrets.token_hex(4)}")
    await log.append([(await held(log, "ana"), ticks(1, 2))])
    await log.refresh([1])
    ring = log.ring(1)
    assert (ring.oldest, ring.head) == (1, 2)
    await asyncio.sleep(0.4)
    await log.refresh([1])
    assert log.ring(1) is ring
    assert (ring.oldest, ring.head, ring.last[1].value) == (3, 2, 2.0)
    await log.refresh([2])
    await asyncio.sleep(0.4)
    await log.refresh([2])
    assert log.ring(1) is not ring, "what nobody looks at is let go of"
    await log.close()


async def test_a_connection_that_was_cut_is_no_news(processes: Callable[[], RedisLog]) -> None:
    """Fails without a second try: a worker whose connections are cut again and again would lose its leases."""
    log, knife = processes(), processes()
    lease = await held(log, "ana")
    for turn in range(5):
        await knife._redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert list(await log.renew([lease])) == [lease]
        await knife._redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        (extent,) = await log.append([(lease, ticks(turn))])
        assert isinstance(extent, Extent)
        assert extent.head == turn + 1


@pytest.mark.parametrize("name", ["meta", "log", "marks", "last"])
async def test_a_source_whose_key_is_something_else_is_in_nobodys_way(
    processes: Callable[[], RedisLog], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Fails when an error about one source ends the round trip of all, or leaves half of a batch behind."""
    log, reader = processes(), processes()
    leases = [await held(log, "ana", source) for source in (1, 2)]
    await log.append([(lease, ticks(1)) for lease in leases])
    await reader.refresh([1, 2])
    (key,) = (key for key in log._keys(1) if key.endswith(name))
    before = await log._redis.dump(key)
    await log._redis.set(key, "a person's note")
    for _ in range(2):
        damaged, extent = await log.append([(lease, ticks(2, 3)) for lease in leases])
        assert isinstance(damaged, LogDamaged)
        assert "WRONGTYPE" in str(damaged)
        assert isinstance(extent, Extent)
        with pytest.raises(LogDamaged):
            await log.lose(leases[0], 1, "source", None, None)
        await reader.refresh([1, 2])
    assert (reader.ring(1).head, reader.ring(2).head) == (1, 5)
    assert 2 in await log.standings([1, 2])
    assert await log.renew(leases) == leases
    said = [record for record in caplog.records if "cannot be read" in record.message]
    assert len(said) == (name in ("meta", "log")), "once, not at every look"

    await log._redis.restore(key, 0, before, replace=True)
    assert [type(answer) for answer in await log.append([(lease, ticks(2, 3)) for lease in leases])] == [Extent] * 2
    await reader.refresh([1, 2])
    assert reader.ring(1).slice(1, 3).values.tolist() == [1, 2, 3], "nothing of what was refused is there"


async def test_a_lease_that_is_something_else_is_lost_to_its_source_alone(processes: Callable[[], RedisLog]) -> None:
    log = processes()
    leases = [await held(log, "ana", source) for source in (1, 2)]
    await expire(log)
    await log._redis.rpush(log._keys(1)[0], "a list")
    assert await log.renew(leases) == leases[1:]
    with pytest.raises(LogDamaged):
        await log.acquire(1, "ana")
    damaged, extent = await log.append([(lease, ticks(2)) for lease in leases])
    assert isinstance(damaged, LogDamaged)
    assert isinstance(extent, Extent)
    assert list(await log.standings([1, 2])) == [2]


async def test_an_entry_of_somebody_else_is_in_nobodys_way(processes: Callable[[], RedisLog]) -> None:
    log, reader = processes(), processes()
    leases = [await held(log, "ana", source) for source in (1, 2)]
    await log._redis.xadd(log._keys(1)[2], {"colour": "blue"})
    damaged, extent = await log.append([(lease, ticks(2)) for lease in leases])
    assert isinstance(damaged, LogDamaged)
    assert isinstance(extent, Extent)
    await reader.refresh([1, 2])
    assert reader.ring(2).head == 1


async def test_what_redis_says_of_itself_concerns_every_source(processes: Callable[[], RedisLog]) -> None:
    """Fails when a full or broken Redis is taken for a source that is damaged: its feed would fail, not wait."""
    log = processes()
    lease = await held(log, "ana")
    for words, expected in {
        "OOM command not allowed when used memory > 'maxmemory'.": LogUnreachable,
        "MISCONF Redis is configured to save RDB snapshots": LogUnreachable,
        "READONLY You can't write against a read only replica.": LogUnreachable,
        "WRONGTYPE Operation against a key": LogDamaged,
    }.items():
        with pytest.raises(LogUnreachable) as caught:
            async with redis_link.asking():
                await log._redis.eval(f'return redis.error_reply("{words}")', 0)
        assert type(caught.value) is expected
    assert await log.renew([lease]) == [lease]


async def test_a_cancellation_that_the_client_swallows_is_heeded() -> None:
    """Fails when a worker that is told to end goes on because the word came together with an answer of Redis."""

    async def ask() -> None:
        async with redis_link.asking():
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)

    asking = asyncio.create_task(ask())
    with pytest.raises(asyncio.CancelledError):
        await asking
