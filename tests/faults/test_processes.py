"""Processes die, stand still, start and stop; nothing is lost without being said."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.faults.rig import Cluster, Resident, cluster
from tests.support.promise import promised


def gaps(viewers: list[Resident]) -> list[dict]:
    return [gap for viewer in viewers for books in viewer.books.values() for gap in books.gaps]


def epochs(viewers: list[Resident]) -> set[tuple[int, str | None]]:
    return {(source, books.epoch) for viewer in viewers for source, books in viewer.books.items()}


async def test_f1_a_killed_worker(grown: Cluster, chance: random.Random) -> None:
    """Fails when leases do not run out, when `orphaned` is not said, or when the epoch changes with the owner.

    One worker holds all 20 sources when it is killed, and the other has just begun.
    """
    assert (await grown.term("worker2"))[0] == 0
    await grown.until_shared(10)
    async with grown.audience(chance, 4) as viewers:
        before = epochs(viewers)
        grown["worker2"].start()
        await grown["worker2"].ready()
        orphans = [source for source, owner in grown.owners().items() if owner == "worker1"]
        for viewer in viewers:
            viewer.source_silences()
        grown.kill("worker1")
        await asyncio.sleep(2)
        await grown.until(lambda: set(grown.owners().values()) == {"worker2"}, 10, "worker2 has every source")
        await asyncio.sleep(1.5)
        assert len(orphans) >= 10
        for viewer in viewers:
            assert max(viewer.source_silences().values()) <= 10
            for source in orphans:
                (gap,) = viewer.books[source].gaps
                assert gap["why"] == "failover"
                assert 0 < gap["to"] - gap["from"] <= 10_000
        assert epochs(viewers) == before
        await grown.start("worker1")
        await grown.until_shared(10)
        await grown.assert_ledger(viewers)


async def test_f2_a_worker_is_asked_to_end(grown: Cluster, chance: random.Random) -> None:
    """Fails when what was flushed half is not flushed again, and when the leases wait for their end (6 s)."""
    async with grown.audience(chance, 4) as viewers:
        await asyncio.sleep(1)
        for viewer in viewers:
            viewer.source_silences()
        code, seconds = await grown.term("worker1")
        assert code == 0
        assert seconds <= 5
        await grown.until(lambda: set(grown.owners().values()) == {"worker2"}, 5, "worker2 has every source")
        await asyncio.sleep(2)
        for viewer in viewers:
            assert max(viewer.source_silences().values()) <= 2
        await grown.start("worker1")
        await grown.until_shared(10)
        await asyncio.sleep(1)
        with promised():
            assert gaps(viewers) == [], "the feed gave its last tick, the next owner's the one after it"
        await grown.assert_ledger(viewers, repeats=20)


async def test_f3_an_owner_who_wakes_up(grown: Cluster, chance: random.Random, full: bool) -> None:
    """Fails when a late append is not refused by its token (values come twice), and when the late owner's states are
    published over those of the new one."""
    async with grown.audience(chance, 4) as viewers:
        slept = [source for source, owner in grown.owners().items() if owner == "worker1"]
        for viewer in viewers:
            viewer.source_silences()
        mark = grown.mark()
        # What its feeds give while Redis does not answer waits in the worker, and is the first that it appends when it
        # wakes up, under a token that has passed.
        grown.stop("redis")
        await asyncio.sleep(0.4)
        grown.stop("worker1")
        grown.cont("redis")
        await asyncio.sleep(20 if full else 12)
        assert set(grown.owners().values()) == {"worker2"}
        for viewer in viewers:
            assert max(viewer.source_silences().values()) <= 10
        grown.cont("worker1")
        await asyncio.sleep(4)
        said = grown["worker1"].text(mark["worker1"])
        print(said)
        for viewer in viewers:
            for source in slept:
                assert viewer.states[source][-1]["state"] == "live", viewer.states[source][-3:]
            assert {gap["why"] for gap in gaps([viewer])} == {"failover"}
        await grown.until_shared(15)
        await grown.assert_ledger(viewers)


async def test_f5_a_killed_web_process(grown: Cluster, chance: random.Random, full: bool) -> None:
    """Fails when viewers are not resumed by position, or lie in wait for their old server."""
    count = 200 if full else 40
    async with grown.audience(chance, count, first=True, rate=1) as viewers:
        killed = time.monotonic()
        grown.kill("web1")
        await grown.until(lambda: all(viewer.returns for viewer in viewers), 35, "everybody is back")
        away = sorted(viewer.returns[0].back - killed for viewer in viewers)
        print(f"back after {away[len(away) // 2]:.2f} s (median), {away[-1]:.2f} s (last)")
        assert away[int(len(away) * 0.95) - 1] <= 5
        recovered = sum(viewer.returns[0].recovered for viewer in viewers)
        assert recovered >= 0.99 * count
        with promised():
            assert gaps(viewers) == []
        await grown.start("web1")
        await grown.assert_ledger(viewers)


async def test_f6_a_web_process_is_asked_to_end(grown: Cluster, chance: random.Random) -> None:
    """Fails when the server cuts its sockets (1006) instead of sending its viewers away, or all at the same moment."""
    count = 200
    async with grown.audience(chance, count, first=True, rate=1) as viewers:
        late = Resident(grown.urls, 0, random.Random(1))
        await late.open()
        await asyncio.sleep(0.1)
        code, seconds = await grown.term("web1")
        assert code == 0
        assert seconds <= 10
        await grown.until(lambda: all(viewer.returns for viewer in viewers), 20, "everybody is back")
        assert [bye["code"] for bye in late.byes] == [late.close_code] == [4001]
        assert {tuple(bye["code"] for bye in viewer.byes) for viewer in viewers} == {(4001,)}
        buckets = Counter(int(viewer.returns[0].back) for viewer in viewers)
        print(f"back a second: {[buckets[second] for second in sorted(buckets)]}")
        assert max(buckets.values()) <= 0.3 * count
        assert all(viewer.returns[0].recovered for viewer in viewers)
        with promised():
            assert gaps(viewers) == []
        await grown.start("web1")
        await grown.assert_ledger(viewers)


async def test_f7_rolling_restarts(grown: Cluster, chance: random.Random, full: bool) -> None:
    """Fails when the drain spreads returns over more than the promise, or a hand-over loses or repeats ticks."""
    async with grown.audience(chance, 20, rate=5) as viewers:
        for viewer in viewers:
            viewer.silence()
        for _ in range(3 if full else 1):
            for name in ("web1", "worker1", "web2", "worker2"):
                assert (await grown.term(name))[0] == 0, name
                await grown.start(name)
                if name.startswith("worker"):
                    await grown.until_shared(15)
        longest = max(viewer.silence() for viewer in viewers)
        print(f"the longest that anybody was without data: {longest:.2f} s")
        assert longest <= 5
        with promised():
            assert gaps(viewers) == []
        await grown.assert_ledger(viewers, repeats=60)


# channels_redis tidies up behind a listener in a task of its own, and nobody asks how that has ended.
@pytest.mark.expects("_clean_receive_backup")
async def test_f8_a_power_cut(grown: Cluster, chance: random.Random) -> None:
    """Fails when the log goes on after a restart of Redis as if it knew that nothing is missing, or does not go on."""
    async with grown.audience(chance, 4) as viewers:
        before = epochs(viewers)
        grown.kill(*grown.members)
        began = time.monotonic()
        await grown.heal()
        up = time.monotonic() - began
        await grown.until(lambda: all(viewer.returns for viewer in viewers), 30, "everybody is back")
        await grown.until_shared(15)
        await asyncio.sleep(1)
        print(f"up after {up:.1f} s, with load {psutil.getloadavg()[0]:.1f}")
        assert up <= 10
        if epochs(viewers) != before:
            assert {gap["why"] for gap in gaps(viewers)} <= {"epoch", "failover"}
            assert all(gap["to"] for gap in gaps(viewers))
        await grown.assert_ledger(viewers)


POISON = (b"", b"\xff" * 40, b"x" * 12 + b"\xc0", b"y" * 12 + b"\x81\xa1t\xa1u")


async def test_a_listener_survives_poison(tmp_path: Path, chance: random.Random) -> None:
    """Fails when a message that cannot be read ends the listener, or makes it deaf: changes then wait for the worker's
    own look at the database, which comes once a minute here. There is one worker, as a message reaches one."""
    options = {"webs": 1, "workers": 1, "sources": 4, "TICKWALL_RECONCILE_SECONDS": "60"}
    async with cluster(tmp_path, **options) as it, it.audience(chance, 1) as (viewer,):
        assert it.redis is not None
        mark = it.mark()
        (source,) = [number for number, row in viewer.names.items() if row["name"] == "ledger00"]
        with it.redis.client() as client:
            for number, poison in enumerate(POISON):
                client.zadd("tickwall:layerfeeds", {poison + bytes([number]): time.time()})
            await it.until(lambda: not client.exists("tickwall:layerfeeds"), 10, "the poison is taken")
        for deed, state in (("disable", "stopped"), ("enable", "live")):
            await asyncio.to_thread(it.manage, "source", deed, "ledger00")
            await it.until(lambda state=state: viewer.states[source][-1]["state"] == state, 5, f"ledger00 is {state}")
        assert it["worker1"].alive
        await it.assert_ledger([viewer], repeats=20)
        assert it.tracebacks(mark) == []
