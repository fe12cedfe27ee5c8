"""A worker that is one of several who start at the same moment, and want the same leases.

    python -m tests.faults.racing <redis> <prefix> <name> <seconds since 1970 of the start> <sources>

It asks for the lease of each source in turn, of all at the same millisecond as its rivals, and prints what it got.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from dashboard.ticklog.redis import RedisLog

# Milliseconds between two sources: enough for an answer, so that nobody is late for the next one.
APART = 0.01


async def race(redis: str, prefix: str, name: str, start: float, sources: int) -> dict[int, int]:
    """Returns the fencing tokens of the sources that were won."""
    log = RedisLog(redis, ticks=1000, seconds=900, prefix=prefix)
    won = {}
    # A source of its own first: the connection stands, and Redis knows the script, before it counts.
    await log.acquire(sources + int(name), name)
    for source in range(1, sources + 1):
        await asyncio.sleep(start + (source - 1) * APART - time.time() - 0.002)
        while time.time() < start + (source - 1) * APART:
            pass  # a sleep may be a millisecond late
        lease = await log.acquire(source, name)
        if lease is not None:
            won[source] = lease.token
    await log.close()
    return won


if __name__ == "__main__":
    redis, prefix, name, start, sources = sys.argv[1:]
    print(json.dumps(asyncio.run(race(redis, prefix, name, float(start), int(sources)))))
