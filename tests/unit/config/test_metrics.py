"""Tests the figures of a process in Prometheus' text."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from config import metrics
from config.tasks import Tasks
from dashboard.feeds.health import Health
from dashboard.live import refusals
from dashboard.live.clients import Clients, Most, Proxies
from dashboard.protocol.close_codes import CloseCode

HUB: Any = SimpleNamespace(connections=(), watched_sources=0, frames_sent=0, degraded=False)


async def lines(clients: Clients | None = None, worker: Any = None) -> list[str]:
    clients = clients or Clients(Most(0, 0, 0, 0, 0.0, 0), Proxies([]))
    return metrics.report(HUB, clients, worker, Tasks()).decode().splitlines()


async def test_what_was_refused_is_told_by_code_and_by_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "errors", Counter({"bad": 3}))
    monkeypatch.setattr(refusals, "farewells", Counter({CloseCode.MALFORMED: 1}))
    monkeypatch.setattr(refusals, "handshakes", Counter({"origin": 2}))
    clients = Clients(Most(1, 0, 0, 0, 0.0, 0), Proxies([]))
    for _ in range(2):
        clients.enter("192.0.2.7", 0.0)
    told = await lines(clients)
    assert 'tickwall_errors_total{code="bad"} 3.0' in told
    assert 'tickwall_byes_total{code="4501"} 1.0' in told
    assert 'tickwall_sockets_refused_total{why="origin"} 2.0' in told
    assert 'tickwall_sockets_refused_total{why="process"} 1.0' in told


async def test_refused_ticks_are_told_by_the_kind_of_their_sources() -> None:
    kinds = {1: "http", 2: "mqtt", 3: "http"}
    supervisor = SimpleNamespace(
        specs={source: SimpleNamespace(kind=kind) for source, kind in kinds.items()},
        healths={source: Health("live", 0, refused=source) for source in kinds},
    )
    worker = SimpleNamespace(pipeline=SimpleNamespace(appended=7), supervisor=supervisor)
    told = await lines(worker=worker)
    assert 'tickwall_ticks_refused{kind="http"} 4.0' in told
    assert 'tickwall_ticks_refused{kind="mqtt"} 2.0' in told
    assert not [line for line in await lines() if line.startswith("tickwall_ticks_refused")]
