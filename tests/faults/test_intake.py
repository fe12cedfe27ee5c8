"""Senders who mean harm: a burst of requests that may not pass. Whoever may send must not notice it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.promise import promised
from tests.support.site import Site, site

BURST, SHORT_BURST = 10_000, 2_000
LINES = 50
# Seconds for 99 of 100 requests of the sender who may.
AGE = 0.25
DATA = """
from dashboard.models.secrets import seal
for slug in ("mine", "yours"):
    secrets = seal({"secret": "open sesame, " + slug})
    DataSource.objects.create(name=slug, slug=slug, kind="webhook", config={"new_series": True}, secrets=secrets)
"""
BODY = b'{"key": "n", "value": 666}'


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path, data=DATA) as running:
        yield running


def _signed(secret: str, body: bytes = BODY, age: float = 0) -> dict[str, str]:
    stamp = str(int(time.time() - age))
    right = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Tickwall-Signature": f"t={stamp},v1={right}"}


def _attacks() -> list[tuple[dict[str, str], bytes]]:
    """Returns what may not come in. The last one is right, and may once."""
    long = b" " * 300_000
    return [
        ({}, BODY),
        ({"Authorization": "Bearer tw_00000000_nothing"}, BODY),
        (_signed("open sesame, yours"), BODY),
        (_signed("open sesame, mine", age=301), BODY),
        (_signed("open sesame, mine", age=-310), BODY),
        (_signed("open sesame, mine"), BODY.replace(b"666", b"667")),
        (_signed("open sesame, mine", long), long),
        (_signed("open sesame, mine"), BODY),
    ]


class Burst:
    """So many bad requests over many lines; beside them somebody who sends 1, 2, 3 … to another source."""

    def __init__(self, it: Site, requests: int) -> None:
        self.url, self.left = it.url, requests
        self.token = it.manage("token", "add", "yours", "--scope", "ingest", "--source", "yours").split()[-1]
        self.statuses: Counter[int] = Counter()
        self.took: list[float] = []

    async def run(self) -> None:
        async with aiohttp.ClientSession(self.url) as good, aiohttp.ClientSession(self.url) as bad:
            attacks = _attacks()
            async with asyncio.TaskGroup() as group:
                attackers = [group.create_task(self._attack(bad, attacks)) for _ in range(LINES)]
                while not all(task.done() for task in attackers):
                    await self._send(good)
                    await asyncio.sleep(0.02)

    async def _attack(self, session: aiohttp.ClientSession, attacks: list[tuple[dict[str, str], bytes]]) -> None:
        while self.left:
            self.left -= 1
            headers, body = attacks[self.left % len(attacks)]
            try:
                async with session.post("/api/v1/ingest/mine", data=body, headers=headers) as answer:
                    self.statuses[answer.status] += 1
                    await answer.read()
            except aiohttp.ClientError:
                # Who sends too much may be cut off before he has heard the answer.
                self.statuses[413] += 1

    async def _send(self, session: aiohttp.ClientSession) -> None:
        body, began = json.dumps({"key": "n", "value": len(self.took) + 1}), time.monotonic()
        headers = {"Authorization": f"Bearer {self.token}"}
        async with session.post("/api/v1/ingest/yours", data=body, headers=headers) as answer:
            assert answer.status == 202, await answer.text()
        self.took.append(time.monotonic() - began)


def test_a_burst_of_requests_gets_nothing_in_and_holds_nobody_up(it: Site, full: bool) -> None:
    """F54: no signature, bad, old and early ones, replays, bodies that were altered or are too long, all at once."""
    burst = Burst(it, BURST if full else SHORT_BURST)
    asyncio.run(burst.run())
    reader = it.manage("token", "add", "reader", "--scope", "admin").split()[-1]

    def logged(slug: str) -> list[float]:
        status, text = it.get(f"/api/v1/sources/{slug}/ticks?limit=10000", Authorization=f"Bearer {reader}")
        assert status == 200, text
        return [float(value) for value in json.loads(text)["rows"]["v"]]

    deadline = time.monotonic() + 20
    while len(logged("yours")) < len(burst.took) and time.monotonic() < deadline:
        time.sleep(0.1)
    yours, mine = logged("yours"), logged("mine")
    assert len(yours) >= len(burst.took), "all that the other has sent is there"
    with promised():
        assert mine == [666], "the one that is right, once"
        assert yours == list(range(1, len(burst.took) + 1))
        assert burst.statuses.pop(202) == 1
        assert set(burst.statuses) <= {401, 409, 413, 429}
    slowest = sorted(burst.took)[int(len(burst.took) * 0.99)]
    print(f"{dict(burst.statuses)}; {len(burst.took)} of the other sender, p99 {slowest * 1000:.0f} ms")
    assert slowest <= AGE
