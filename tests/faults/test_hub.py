"""What a web process cannot do without dies inside it."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from pathlib import Path

from tests.faults.rig import cluster


async def test_f10_the_task_of_the_hub_dies(tmp_path: Path, chance: random.Random) -> None:
    """Fails when a task that raised is not started again (tried: nothing was down, and nothing came any more), when its
    first pause is long, and when `/healthz` does not look at the tasks."""
    app = "tests.faults.sabotage:application"
    async with (
        cluster(tmp_path, redis=None, postgres=False, sources=4, app=app) as it,
        it.audience(chance, 4) as viewers,
    ):
        for viewer in viewers:
            viewer.source_silences()
        began = time.monotonic()
        it["web1"].send(signal.SIGUSR1)
        down: set[str] = set()
        while "hub.follow" not in down:
            assert time.monotonic() - began < 5, "nothing was down"
            status, health = await it.get("/healthz")
            down = set(json.loads(health)["down"])
            assert (status == 503) == bool(down)
        await asyncio.sleep(3)
        assert await it.get("/healthz") == (200, '{"ok":true,"down":[]}')
        silent = max(max(viewer.source_silences().values()) for viewer in viewers)
        print(f"without ticks for {silent:.2f} s")
        assert silent <= 2
        for viewer in viewers:
            assert viewer.returns == []
            assert viewer.byes == []
            assert all(books.gaps == [] for books in viewer.books.values())
        assert all("sabotage" in trace for trace in it.tracebacks())
        await it.assert_ledger(viewers)
