"""All processes of a site are restarted, one after the other, under load: what an update of a site is."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

from tests.faults.crowd import crowd, fullest_second
from tests.faults.rig import Cluster, cluster
from tests.support.promise import promised

# Seconds without data that a viewer may see, and what part of all may come back in the same second; so few are no
# stampede in any case.
SILENCE, BUCKET, FEW = 5.0, 0.3, 40
# Seconds between two restarts, in which a crowd that came back comes to rest.
PAUSE = 4.0


async def restart(it: Cluster, name: str) -> None:
    code, seconds = await it.term(name)
    print(f"{name}: ended with {code} after {seconds:.1f} s")
    assert code == 0
    assert seconds <= (10 if name.startswith("web") else 5)
    await it.start(name)


async def test_f7_rolling_restart(tmp_path: Path, full: bool) -> None:
    """1,000 ticks a second, viewers on both web processes, and none of the four processes lives through it.

    Fails when a drain sends everybody away for longer than they can wait or all to the same second, when a worker
    keeps its leases until they run out, and when a seq is given twice or never.
    """
    count = 500 if full else 60
    async with AsyncExitStack() as stack:
        it = await stack.enter_async_context(cluster(tmp_path, sources=10, rate=100))
        plan = {"dashboard": "ledger", "rate": 2 if full else 4}
        halves = [it.urls, [*reversed(it.urls)]]
        crowds = [
            await stack.enter_async_context(crowd(urls, count // 2, seed=number, **plan))
            for number, urls in enumerate(halves)
        ]
        worst = 0.0
        mark = it.mark()
        for name in ("web1", "worker1", "web2", "worker2"):
            before = [await one.ask() for one in crowds]
            began = time.time()
            await restart(it, name)
            await asyncio.sleep(PAUSE)
            after = [await one.ask() for one in crowds]
            longest = max(seen["longest"] for seen in after)
            worst = max(worst, longest)
            returns = [
                one for old, new in zip(before, after, strict=True) for one in new["returns"][len(old["returns"]) :]
            ]
            print(f"{name}: at most {longest:.1f} s without data, {len(returns)} came back within", end=" ")
            print(f"{max((at for at, _, _ in returns), default=began) - began:.1f} s,", end=" ")
            print(f"{fullest_second(returns):.0%} of them in the fullest second")
            assert longest <= SILENCE, name
            if name.startswith("web"):
                assert len(returns) >= count * 0.4, "half of all were there"
                assert fullest_second(returns) <= max(BUCKET, FEW / len(returns)), name
                assert all(recovered for _, _, recovered in returns)
        seen = [await one.ask() for one in crowds]
        for half in seen:
            assert half["live"] == count // 2
            with promised():
                assert half["wrong"] == [], half["wrong"][:5]
                assert (half["gap"], half["whys"]) == (0, [])
                assert half["published"] == half["covered"]
            assert set(half["codes"]) == {4001}
        print(f"{sum(half['published'] for half in seen)} ticks shown to {count} viewers, none lost; {worst:.1f} s")
        assert it.tracebacks(mark) == []
        for number in range(it.sources):
            log = await asyncio.to_thread(it.read_log, f"ledger{number:02}", 0)
            with promised():
                assert log.seqs == list(range(1, log.head + 1)), "no seq is missing, none is there twice"
                values = [int(value) for _, _, value, _ in log.ticks]
                assert values == list(range(values[0], values[-1] + 1)), "none was lost between two owners"
