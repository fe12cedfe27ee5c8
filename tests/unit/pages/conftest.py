from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from dashboard import ticklog
from dashboard.models import Dashboard, Panel, Series
from dashboard.models.board import PanelSeries
from dashboard.ticklog.memory import MemoryLog
from dashboard.timeseries.tick import Ticks
from tests.unit.models.cast import Cast, assemble


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The views read on threads, which see only what was committed."""
    made = assemble()
    Dashboard.objects.filter(pk=made.board.pk).update(visibility="public")
    return made


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    made = MemoryLog(seconds=900, ticks=10_000)
    monkeypatch.setattr(ticklog, "current", lambda: made)
    return made


@pytest.fixture
def ticked(log: MemoryLog) -> Callable[..., None]:
    """Returns the function that lets a series tick these values, the last of them `age` seconds ago."""

    def tick(series: Series, *values: float | str, age: float = 0.0) -> None:
        async def append() -> None:
            lease = await log.acquire(series.source_id, "test")
            assert lease is not None
            last = int((time.time() - age) * 1000)
            times = [last - 1000 * back for back in reversed(range(len(values)))]
            await log.append([(lease, Ticks.of([series.pk] * len(values), times, list(values)))])
            await log.release(lease)

        asyncio.run(append())

    return tick


@pytest.fixture
def put(cast: Cast) -> Callable[..., Panel]:
    """Returns the function that puts a panel of these series on the board."""

    def make(kind: str, *series: Series, title: str = "", options: Any = None) -> Panel:
        panel = Panel.objects.create(
            dashboard=cast.board, kind=kind, title=title, options={} if options is None else options
        )
        for position, one in enumerate(series):
            PanelSeries.objects.create(panel=panel, series=one, position=position)
        return panel

    return make


@pytest.fixture
def page(client: Client) -> Callable[..., str]:
    """Returns the function that fetches the board's page."""

    def get(address: str = "/d/board/") -> str:
        answer = client.get(address)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def config(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="page-config" type="application/json">(.*?)</script>', html)
    assert found is not None
    return dict(json.loads(found[1]))


def section(html: str, panel: Panel) -> str:
    """Returns a panel's part of the page."""
    found = re.search(rf'<section class="[^"]*" id="panel-{panel.pk}".*?</section>', html, re.S)
    assert found is not None
    return found[0]
