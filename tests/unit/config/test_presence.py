"""A process says that it is there, tells staff what is wrong with that, and takes its word back when it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.test import RequestFactory

from config import presence
from config.presence import Presence
from dashboard.models import WebProcess


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "BEAT", 0.02)


def other() -> None:
    began = Now() - timedelta(seconds=60)
    WebProcess.objects.create(key="other", host="wall", pid=7, log="memory", started=began, seen=Now())


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if await asyncio.to_thread(condition):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within 5 s")


@pytest.mark.django_db(transaction=True)
async def test_a_second_process_is_said_once_and_so_is_its_end(quick: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = Presence()
    keeping = asyncio.create_task(one.keep())
    await until(WebProcess.objects.exists)
    await asyncio.to_thread(other)
    await until(lambda: bool(one.warning))
    assert "2 web processes" in one.warning
    assert "wall:7 (log in its own memory)" in one.warning
    assert "REDIS_URL" in one.warning
    await asyncio.sleep(0.1)
    await asyncio.to_thread(WebProcess.objects.filter(pk="other").delete)
    await until(lambda: not one.warning)
    said = [(record.levelname, record.message[:20]) for record in caplog.records if record.name == "config.presence"]
    assert said == [("ERROR", "2 web processes run "), ("INFO", "the web processes no")]

    await one.leave()
    await asyncio.wait_for(keeping, 5)
    assert await asyncio.to_thread(WebProcess.objects.count) == 0


@pytest.mark.django_db(transaction=True)
async def test_with_redis_two_are_right(quick: None, settings: Any) -> None:
    settings.REDIS_URL = "redis://wall"
    one = Presence()
    keeping = asyncio.create_task(one.keep())
    await until(WebProcess.objects.exists)
    rows = await asyncio.to_thread(lambda: list(WebProcess.objects.values_list("pk", "log")))
    assert rows == [(one.key, "redis")]
    await one.leave()
    await keeping


@pytest.mark.django_db(transaction=True)
async def test_a_database_that_is_away_ends_nothing(quick: None) -> None:
    one = Presence()
    with patch.object(WebProcess, "beat", side_effect=DatabaseError("away")):
        keeping = asyncio.create_task(one.keep())
        await asyncio.sleep(0.1)
        assert not keeping.done()
    await until(WebProcess.objects.filter(pk=one.key).exists)
    await one.leave()
    await keeping


async def test_a_database_that_hangs_does_not_hold_the_end_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "LEAVE", 0.05)

    def hang(function: Any) -> Any:
        return lambda: asyncio.sleep(60)

    monkeypatch.setattr(presence, "offload", hang)
    await asyncio.wait_for(Presence().leave(), 2)


@pytest.mark.parametrize(("staff", "shown"), [(True, True), (False, False), (None, False)])
def test_staff_and_nobody_else_sees_the_banner(
    monkeypatch: pytest.MonkeyPatch, staff: bool | None, shown: bool
) -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser() if staff is None else User(username="ana", is_staff=staff)
    one = Presence()
    monkeypatch.setattr(presence, "current", lambda: one)
    assert render_to_string("dashboard/deployment.html", request=request).strip() == ""
    one.warning = "Two <processes>."
    page = render_to_string("dashboard/deployment.html", request=request)
    assert ("Two &lt;processes&gt;." in page) is shown
