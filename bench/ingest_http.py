"""How many ticks can be sent in over HTTP? Single ticks, batches and columns, from several senders at once."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import psutil

from tests.support.services import redis_server
from tests.support.site import Site, site

SENDERS = 8
SECONDS = 3.0
ROUNDS = 3
BATCH = 500
DATA = """
source = DataSource.objects.create(name="Push", slug="push", kind="webhook", config={"new_series": True})
"""


def batch(size: int) -> bytes:
    return json.dumps([{"key": f"key-{n % 50}", "value": n / 7} for n in range(size)]).encode()


def columns(size: int) -> bytes:
    return json.dumps({"keys": [f"key-{n % 50}" for n in range(size)], "values": [n / 7 for n in range(size)]}).encode()


FORMS = {"one tick": (batch(1)[1:-1], 1), f"batch of {BATCH}": (batch(BATCH), BATCH), "columns": (columns(1000), 1000)}


async def send(it: Site, tokens: list[str], body: bytes) -> tuple[float, list[float], dict[int, int]]:
    """Returns the seconds that it took, how long each request took (ms), and how often each status came."""
    took: list[float] = []
    statuses: dict[int, int] = {}
    end = time.monotonic() + SECONDS

    async def sender(session: aiohttp.ClientSession, token: str) -> None:
        while time.monotonic() < end:
            begun = time.monotonic()
            async with session.post(
                "/api/v1/ingest/push", data=body, headers={"Authorization": f"Bearer {token}"}
            ) as it:
                await it.read()
                statuses[it.status] = statuses.get(it.status, 0) + 1
            took.append((time.monotonic() - begun) * 1000)

    begun = time.monotonic()
    async with aiohttp.ClientSession(it.url) as session:
        await asyncio.gather(*(sender(session, token) for token in tokens))
    return time.monotonic() - begun, took, statuses


def cpu(it: Site) -> float:
    times = [psutil.Process(process.pid).cpu_times() for process in (it.process, it.worker) if process is not None]
    return sum(each.user + each.system for each in times)


@contextmanager
def sites() -> Iterator[tuple[tuple[str, Site], ...]]:
    environment = {"TICKWALL_INGEST_PER_SECOND": "100000", "TICKWALL_INGEST_BURST": "100000"}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two, ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        embedded = stack.enter_context(site(Path(one), data=DATA, **environment))
        grown = stack.enter_context(site(Path(two), data=DATA, REDIS_URL=redis, **environment))
        yield ("one process", embedded), ("Redis and a worker", grown)


def main() -> None:
    print(f"{SENDERS} senders, each with a token and one connection, medians of {ROUNDS} rounds of {SECONDS:g} s")
    print(
        "| site | form | requests/s | ticks/s | p50 | p99 | refused | server CPU | requests per CPU second |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    with sites() as all_sites:
        for name, it in all_sites:
            tokens = [it.manage("token", "add", f"n{n}", "--scope", "ingest").split()[-1] for n in range(SENDERS)]
            for form, (body, size) in FORMS.items():
                rows = []
                for _ in range(ROUNDS):
                    before = cpu(it)
                    seconds, took, statuses = asyncio.run(send(it, tokens, body))
                    taken = statuses.get(202, 0)
                    refused = sum(statuses.values()) - taken
                    took.sort()
                    rows.append(
                        (
                            taken / seconds,
                            taken * size / seconds,
                            took[len(took) // 2],
                            took[int(len(took) * 0.99)],
                            refused / len(took) * 100,
                            (used := cpu(it) - before) / seconds * 100,
                            taken / used,
                        )
                    )
                    time.sleep(1)
                figures = [statistics.median(column) for column in zip(*rows, strict=True)]
                print(
                    "| {} | {} | {:,.0f} | {:,.0f} | {:.1f} ms | {:.1f} ms | {:.0f} % | {:.0f} % | {:,.0f} |".format(
                        name, form, *figures
                    ),
                    flush=True,
                )


if __name__ == "__main__":
    main()
