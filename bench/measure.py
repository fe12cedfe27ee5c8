"""Measures one server under one load, and turns rounds into medians."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, TypeVar

from bench.servers import Ours, Peer, Process
from bench.viewers import Plan
from tests.support.site import ROOT

WARM_UP = 1.0
SECONDS = 3.0
ARRIVE_SECONDS = 60.0

Figures = dict[str, float]
T = TypeVar("T")


class Load:
    """A process full of viewers, all of whom have had data."""

    def __init__(self, plan: Plan) -> None:
        command = [sys.executable, "-m", "bench.load", json.dumps(asdict(plan))]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        deadline = time.monotonic() + ARRIVE_SECONDS
        while self.mark()["live"] < plan.viewers:
            if time.monotonic() > deadline:
                raise SystemExit(f"Only {self.mark()['live']} of {plan.viewers} viewers got data")
            time.sleep(0.1)

    def ask(self, word: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("The load has ended before its time")
        return json.loads(answer)

    def mark(self) -> dict[str, Any]:
        return dict(self.ask("mark"))

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def load(plan: Plan) -> Iterator[Load]:
    """Yields a load that is there."""
    it = Load(plan)
    try:
        yield it
    finally:
        it.end()


def under(server: Process, plan: Plan, seconds: float = SECONDS, warm_up: float = WARM_UP) -> Figures:
    """Measures a server that runs, under a load that comes now."""
    with load(replace(plan, port=server.port)) as viewers:
        time.sleep(warm_up)
        before, cpu = viewers.mark(), server.cpu()
        time.sleep(seconds)
        after, cpu = viewers.mark(), server.cpu() - cpu
    if after["lost"]:
        print(f"{after['lost']} viewers lost their line", file=sys.stderr)
    wall = after["wall"] - before["wall"]
    ticks = after["ticks"] - before["ticks"]
    ages = sorted(after["ages"]) or [0.0]
    return {
        "ticks": ticks / wall,
        "cpu": cpu / wall,
        "load": (after["cpu"] - before["cpu"]) / wall,
        "us": cpu / ticks * 1e6 if ticks else 0.0,
        "sent": (after["bytes"] - before["bytes"]) / wall / plan.viewers,
        "requests": (after["requests"] - before["requests"]) / wall / plan.viewers,
        "bytes": (after["bytes"] - before["bytes"]) / ticks if ticks else 0.0,
        "p50": ages[len(ages) // 2],
        "p95": ages[int(len(ages) * 0.95)],
        "p99": ages[int(len(ages) * 0.99)],
    }


def once(server: Ours | Peer, plan: Plan, seconds: float = SECONDS) -> Figures:
    """Starts a server, measures it, and ends it."""
    talk = server.talk if isinstance(server, Peer) else plan.talk
    path = "/" if isinstance(server, Peer) else plan.path
    with server.run() as process:
        return under(process, replace(plan, talk=talk, path=path), seconds)


def in_turn(rounds: int, what: Sequence[T], one: Callable[[T], Figures]) -> dict[T, Figures]:
    """Measures all, then all again, so that what disturbs the machine disturbs all; returns medians."""
    found: dict[T, list[Figures]] = {each: [] for each in what}
    for _ in range(rounds):
        for each in what:
            found[each].append(one(each))
    return {each: medians(rounds_) for each, rounds_ in found.items()}


def medians(rounds: Sequence[Figures]) -> Figures:
    return {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}
