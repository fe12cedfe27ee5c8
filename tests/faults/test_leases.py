"""Workers that want the same source at the same time: one gets it."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time

import redis

from tests.support.site import ROOT

SOURCES = 200
# Seconds until all have started; who is late asks for what is gone already.
BEGIN = 4.0


async def test_f4_workers_that_start_in_the_same_millisecond(redis_url: str) -> None:
    """Two processes ask for 200 leases, each at the same millisecond: 200 have exactly one owner.

    Fails when a lease is looked at and then taken (a `get` and a `set` outside of one script), and when one that is
    held is given again: then both say that they have won.
    """
    prefix, start = f"race-{secrets.token_hex(4)}", time.time() + BEGIN
    rivals = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.faults.racing", redis_url, prefix, name, str(start), str(SOURCES)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        for name in ("1", "2")
    ]
    said = await asyncio.gather(*(asyncio.wait_for(rival.communicate(), 60) for rival in rivals))
    assert [rival.returncode for rival in rivals] == [0, 0]
    won = [{int(source): token for source, token in json.loads(out).items()} for out, _ in said]
    print(f"{len(won[0])} to the one, {len(won[1])} to the other")
    assert won[0].keys() & won[1].keys() == set(), "two owners of one source"
    assert won[0].keys() | won[1].keys() == set(range(1, SOURCES + 1)), "a source without an owner"
    with redis.Redis.from_url(redis_url) as client:
        for name, tokens in zip(("1", "2"), won, strict=True):
            for source, token in tokens.items():
                held = client.get(f"{prefix}:{{{source}}}:lease")
                assert held is None or held == f"{token}:{name}".encode(), "whoever says that it has won holds it"
