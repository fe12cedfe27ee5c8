"""Redis dies, loses what it held, stands still, cuts its clients off; sockets stay, and nothing is lost quietly."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Sequence
from typing import Any

import pytest
import redis

from tests.faults.rig import Cluster, Resident
from tests.support.promise import promised

# channels_redis tidies up behind a listener in a task of its own, and nobody asks how that has ended.
TIDYING = "_clean_receive_backup"


def gaps(viewers: Sequence[Resident]) -> list[dict[str, Any]]:
    return [gap for viewer in viewers for books in viewer.books.values() for gap in books.gaps]


def states(viewers: Sequence[Resident]) -> set[str]:
    """Returns the states that the viewers were told last."""
    return {told[-1]["state"] for viewer in viewers for told in viewer.states.values()}


async def compact(cluster: Cluster) -> None:
    """Shortens the file from which Redis starts, as it does by itself now and then."""
    assert cluster.redis is not None
    with cluster.redis.client() as client:
        client.bgrewriteaof()
        await cluster.until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], 20, "rewritten")


def enable(cluster: Cluster, enabled: bool, slugs: str = "%") -> None:
    """Changes sources behind the back of the site: no message tells anybody."""
    assert cluster.postgres is not None
    with cluster.postgres.connection() as connection:
        connection.execute("UPDATE dashboard_datasource SET enabled = %s WHERE slug LIKE %s", (enabled, slugs))


@pytest.mark.expects(TIDYING)
async def test_f15_redis_is_killed_and_back_in_a_second(grown: Cluster, chance: random.Random) -> None:
    """Fails when what was on its way is forgotten while Redis is away (tried: 80 numbers of each source were missing)
    or appended twice, and when sockets hang on the channel layer."""
    await compact(grown)
    async with grown.audience(chance, 4) as viewers:
        for viewer in viewers:
            viewer.source_silences()
        grown.kill("redis")
        await asyncio.sleep(0.7)
        await grown.start("redis")
        await asyncio.sleep(4)
        silent = max(max(viewer.source_silences().values()) for viewer in viewers)
        print(f"without ticks for {silent:.2f} s, the second of the restart included")
        assert silent <= 3
        assert all(viewer.returns == [] and viewer.byes == [] for viewer in viewers), "sockets stay open"
        with promised():
            assert gaps(viewers) == []
        assert states(viewers) == {"live"}
        await grown.assert_ledger(viewers)


@pytest.mark.expects(TIDYING)
async def test_f16_redis_comes_back_empty(grown: Cluster, chance: random.Random) -> None:
    """Fails when seqs go on as if nothing was missing (tried with epochs that are all called the same: nobody ever got
    to another one), or when ticks of two epochs are joined."""
    assert grown.redis is not None
    async with grown.audience(chance, 4) as viewers:
        before = {source: books.epoch for source, books in viewers[0].books.items()}
        grown.kill("redis")
        shutil.rmtree(grown.folder / "appendonlydir")
        await grown.start("redis")
        began = time.monotonic()

        def resumed() -> bool:
            return all(
                books.epoch != before[source] and books.seq > books.begins
                for viewer in viewers
                for source, books in viewer.books.items()
            )

        took = await grown.until(resumed, 10, "every viewer is in the new epochs")
        print(f"snapshots of the new epochs after {took:.2f} s")
        assert took <= 3
        assert time.monotonic() - began < 5
        for viewer in viewers:
            assert viewer.returns == []
            assert {gap["why"] for gap in gaps([viewer])} == {"epoch"}
            assert all(len(books.gaps) == 1 and books.gaps[0]["to"] for books in viewer.books.values())
        await grown.until_shared(15)
        await asyncio.sleep(1.5)
        assert states(viewers) == {"live"}
        await grown.assert_ledger(viewers)


@pytest.mark.expects(TIDYING)
@pytest.mark.parametrize("how", ["gone", "hung"])
async def test_f17_redis_is_away(grown: Cluster, chance: random.Random, full: bool, how: str) -> None:
    """Fails when viewers are not told, when the worker gathers without bound, and when what feeds gave meanwhile and
    the log never got is not said (`Pipeline.take`)."""
    if how == "gone":
        await compact(grown)
    async with grown.audience(chance, 4) as viewers:
        before = {worker.name: worker.rss() for worker in grown.workers}
        if how == "gone":
            grown.kill("redis")
        else:
            grown.stop("redis")
        told = await grown.until(lambda: states(viewers) == {"degraded"}, 10, "viewers are told")
        print(f"viewers were told after {told:.2f} s")
        # A Redis that does not answer is known to be away only after the time that an answer may take.
        assert told <= (3 if how == "gone" else 5)
        await asyncio.sleep(60 if full else 9)
        growth = {worker.name: worker.rss() - before[worker.name] for worker in grown.workers}
        print(f"workers grew by {growth}")
        assert max(growth.values()) <= 10 * 2**20
        assert all(viewer.returns == [] and viewer.byes == [] for viewer in viewers), "sockets stay open"
        if how == "gone":
            await grown.start("redis")
        else:
            grown.cont("redis")
        await grown.until(lambda: states(viewers) == {"live"}, 12, "every source is live again")
        await grown.until_shared(15)
        await asyncio.sleep(1.5)
        for viewer in viewers:
            # The leases ran out, so in every source there is at least the word that something may be missing. Nobody is
            # left who could vouch for a Redis that was started again.
            assert {gap["why"] for gap in gaps([viewer])} <= ({"failover", "epoch"} if how == "gone" else {"failover"})
            assert all(books.gaps for books in viewer.books.values())
        # What was appended in the moment in which the feed was ended is given again by one that keeps a place.
        await grown.assert_ledger(viewers, repeats=100)


@pytest.mark.expects(TIDYING)
async def test_a_worker_is_asked_to_end_while_redis_is_away(grown: Cluster, chance: random.Random) -> None:
    """Fails when the last flush waits for ever, or its error becomes that of the process."""
    await compact(grown)
    async with grown.audience(chance, 2) as viewers:
        grown.kill("redis")
        await asyncio.sleep(6)
        code, seconds = await grown.term("worker1")
        assert code == 0
        assert seconds <= 5
        await grown.start("redis", "worker1")
        await grown.until_shared(20)
        await grown.until(lambda: states(viewers) == {"live"}, 10, "every source is live again")
        await grown.assert_ledger(viewers)


async def test_redis_is_full(grown: Cluster, chance: random.Random, full: bool) -> None:
    """Fails when an append that Redis refuses, while it goes on to renew leases, is not tried again, and when nobody
    says that a worker is not heard of."""
    assert grown.redis is not None
    async with grown.audience(chance, 4) as viewers:
        mark = grown.mark()
        with grown.redis.client() as client:
            client.config_set("maxmemory", 1)
            try:
                for worker in grown.workers:
                    await grown.until(
                        lambda worker=worker: "the tick log cannot be reached" in worker.text(mark[worker.name]),
                        10,
                        "an append is refused",
                    )
                before = await heads(grown)
                if full:
                    await grown.until(lambda: states(viewers) == {"down"}, 20, "viewers are told")
                else:
                    await asyncio.sleep(6)
                assert await heads(grown) == before, "nothing is taken"
            finally:
                client.config_set("maxmemory", 0)
        await grown.until(lambda: states(viewers) == {"live"}, 12, "every source is live again")
        with promised():
            assert gaps(viewers) == [], "what came meanwhile has waited"
        assert all(viewer.returns == [] and viewer.byes == [] for viewer in viewers)
        await grown.assert_ledger(viewers)


async def heads(cluster: Cluster) -> list[int]:
    """Returns how far the log of each source has come."""
    slugs = [f"ledger{number:02}" for number in range(cluster.sources)]
    return [(await asyncio.to_thread(cluster.read_log, slug, 2**50)).head for slug in slugs]


@pytest.mark.expects(TIDYING)
async def test_f20_redis_cuts_its_clients_off(grown: Cluster, chance: random.Random, full: bool) -> None:
    """Fails when a change waits for its message (tried: the source never stopped), and when a connection that was cut
    is news each time: leases then run out, and gaps stand for nothing (so it was)."""
    assert grown.redis is not None
    async with grown.audience(chance, 4) as viewers:
        changed = 0.0
        (source,) = [number for number, row in viewers[0].names.items() if row["name"] == "ledger05"]
        for turn in range(30 if full else 6):
            with grown.redis.client() as client:
                for kind in ("normal", "pubsub"):
                    client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
            if turn == 2:
                enable(grown, False, "ledger05")
                changed = time.monotonic()
            if changed and viewers[0].states[source][-1]["state"] == "stopped":
                print(f"a change was seen after {time.monotonic() - changed:.1f} s at most")
                assert time.monotonic() - changed <= 5
                changed = 0.0
                enable(grown, True, "ledger05")
            await asyncio.sleep(2)
        assert not changed, "the source was never stopped"
        with promised():
            assert gaps(viewers) == []
        assert all(viewer.returns == [] for viewer in viewers)
        await viewers[0].until(lambda: viewers[0].states[source][-1]["state"] == "live", 5)
        await grown.assert_ledger(viewers)


async def test_f21_nothing_happens(grown: Cluster, chance: random.Random, full: bool) -> None:
    """Fails without `socket_timeout` in CHANNEL_LAYERS (tried: a system check refuses to start): redis-py then gives
    a connection up after 5 s, which is as long as the layer waits for a message, and everybody connects again."""
    assert grown.redis is not None
    async with grown.audience(chance, 4) as viewers:
        enable(grown, False)
        try:
            await grown.until(lambda: states(viewers) == {"stopped"}, 10, "every source has stopped")
            await asyncio.sleep(1)
            before = connections(grown.redis.client())
            await asyncio.sleep(60 if full else 12)
            made = connections(grown.redis.client()) - before - 1
            assert all(viewer.returns == [] and viewer.byes == [] for viewer in viewers)
            # One a member is forgiven: pools grow when two questions meet.
            assert made <= 4, f"{made} connections were made while nothing happened"
        finally:
            enable(grown, True)
        await grown.until(lambda: states(viewers) == {"live"}, 10, "every source is live again")
        await grown.assert_ledger(viewers)


def connections(client: redis.Redis) -> int:
    with client:
        return int(client.info("stats")["total_connections_received"])
