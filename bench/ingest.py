"""How many ticks a second does a worker take from feeds into the log? The feeds give as fast as they are taken."""

from __future__ import annotations

import json
import statistics
import time

from bench import table
from bench.servers import Ours, Process, Scene
from tests.support.services import redis_server
from tests.support.site import Site

ROUNDS = 3
SECONDS = 3.0
FLOOD = Scene(series=400, sources=4, ticks=4000, step=0.0)


def head(it: Site) -> int:
    """Returns how many ticks all sources have in their logs so far."""
    answers = [it.get(f"/api/v1/sources/pulse-{number}/ticks?after=0&limit=1")[1] for number in range(FLOOD.sources)]
    return sum(json.loads(answer)["head"] for answer in answers)


def one(server: Ours) -> tuple[float, float]:
    """Returns ticks a second, and ticks for each second of the worker's CPU time."""
    with server.site() as it:
        process = it.worker or it.process
        assert process is not None
        worker = Process(process, it.port)
        while not head(it):
            time.sleep(0.1)
        time.sleep(1.0)
        before, cpu, began = head(it), worker.cpu(), time.monotonic()
        time.sleep(SECONDS)
        ticks, cpu, took = head(it) - before, worker.cpu() - cpu, time.monotonic() - began
    return ticks / took, ticks / cpu


def main() -> dict[str, float]:
    out = table.Table(
        f"{FLOOD.sources} feeds, batches of {FLOOD.ticks // FLOOD.sources:,}; medians of {ROUNDS} rounds in turn",
        ("log", "ticks/s", "ticks per second of worker CPU"),
    )
    targets = {}
    with redis_server() as redis:
        logs = {"memory": Ours("memory", scene=FLOOD), "Redis": Ours("Redis", scene=FLOOD, redis=redis)}
        rounds = [{name: one(server) for name, server in logs.items()} for _ in range(ROUNDS)]
    for name in logs:
        rate, per_core = (statistics.median(each[name][figure] for each in rounds) for figure in (0, 1))
        out.row(name, f"{rate:,.0f}", f"{per_core:,.0f}")
        targets[f"ingest {name}"] = per_core
    return targets
