"""Tests the life of a web process: it starts once, says how it is, and says goodbye before it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from config import lifecycle
from config import tasks as tasks_module
from config.lifecycle import WebProcess


class Story:
    """Stands in for hub, presence and worker, and remembers what was asked of whom in which order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.running: set[str] = set()
        self.fails: set[str] = set()

    async def _for_ever(self, name: str) -> None:
        if name in self.fails:
            raise RuntimeError("on purpose")
        self.running.add(name)
        try:
            await asyncio.Event().wait()
        finally:
            self.running.discard(name)

    # The hub.

    async def listen(self) -> None:
        await self._for_ever("listen")

    async def follow(self) -> None:
        await self._for_ever("follow")

    async def review(self) -> None:
        await self._for_ever("review")

    async def oversee(self) -> None:
        await self._for_ever("oversee")

    async def drain(self, seconds: float) -> None:
        assert "follow" in self.running, "viewers are still served while they are sent away"
        self.told.append(f"drain {seconds:g}")

    # Presence.

    async def keep(self) -> None:
        await self._for_ever("presence")

    async def leave(self) -> None:
        await asyncio.sleep(0)  # as a database would take its time
        self.told.append("leave")

    # The worker.

    def tasks(self) -> dict[str, Any]:
        return {"worker.flush": lambda: self._for_ever("flush")}

    async def stop(self) -> None:
        assert not self.running, "the worker flushes once its tasks have ended"
        self.told.append("worker stop")


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Story:
    story = Story()
    monkeypatch.setattr(lifecycle.live, "current", lambda: story)
    monkeypatch.setattr(lifecycle.presence, "current", lambda: story)
    monkeypatch.setattr(lifecycle, "make_worker", lambda: story)
    monkeypatch.setattr(tasks_module, "RESTART", (0.2, 0.2))
    settings.TICKWALL_DRAIN_SECONDS = 0.5
    return story


@pytest.fixture
async def process(story: Story) -> AsyncIterator[WebProcess]:
    process = WebProcess(App())
    yield process
    await process.stop()


class App:
    """The application inside; remembers the scopes it saw."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope)


async def get(process: WebProcess, path: str) -> tuple[int, Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read of such a request")

    await process({"type": "http", "path": path, "root_path": ""}, receive, send)
    assert (b"cache-control", b"no-store") in sent[0]["headers"]
    return sent[0]["status"], json.loads(sent[1]["body"])


async def lifespan(process: WebProcess, *kinds: str) -> list[str]:
    messages = iter([{"type": f"lifespan.{kind}"} for kind in kinds])
    answers: list[str] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        answers.append(message["type"])

    await process({"type": "lifespan"}, receive, send)
    return answers


async def test_before_the_start_it_is_neither_healthy_nor_ready(process: WebProcess) -> None:
    assert await get(process, "/healthz") == (503, {"ok": False, "down": []})
    assert await get(process, "/readyz") == (503, {"ready": False})


async def test_once_started_it_is_healthy_and_ready(process: WebProcess, story: Story) -> None:
    await process.start()
    await asyncio.sleep(0)
    assert await get(process, "/healthz") == (200, {"ok": True, "down": []})
    assert await get(process, "/readyz") == (200, {"ready": True})
    assert story.running == {"listen", "follow", "review", "oversee", "presence", "flush"}


async def test_a_core_task_that_is_down_is_named(process: WebProcess, story: Story) -> None:
    story.fails.add("follow")
    await process.start()
    await asyncio.sleep(0.01)
    assert await get(process, "/healthz") == (503, {"ok": False, "down": ["hub.follow"]})
    assert (await get(process, "/readyz"))[0] == 200
    story.fails.clear()
    await asyncio.sleep(0.25)
    assert (await get(process, "/healthz"))[0] == 200


async def test_it_starts_once_whoever_says_so(process: WebProcess, story: Story) -> None:
    await asyncio.gather(process.start(), process.start())
    await process.start()
    assert len(process._tasks._tasks) == 7


async def test_with_redis_it_runs_no_feeds(process: WebProcess, story: Story, settings: Any) -> None:
    settings.REDIS_URL = "redis://nowhere"
    await process.start()
    await asyncio.sleep(0)
    assert "flush" not in story.running
    await process.stop()
    assert "worker stop" not in story.told


async def test_it_says_goodbye_before_anything_ends_and_only_once(process: WebProcess, story: Story) -> None:
    await process.start()
    await asyncio.sleep(0)
    await asyncio.gather(process.stop(), process.stop())
    await process.stop()
    assert story.told == ["leave", "drain 0.5", "worker stop"]
    assert story.running == set()
    assert (await get(process, "/readyz"))[0] == 503


async def test_it_is_not_ready_while_it_says_goodbye(
    process: WebProcess, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    async def drain(seconds: float) -> None:
        seen.extend([(await get(process, "/readyz"))[0], (await get(process, "/healthz"))[0]])

    monkeypatch.setattr(story, "drain", drain)
    await process.start()
    await asyncio.sleep(0)
    await process.stop()
    assert seen == [503, 200]


async def test_a_process_that_never_started_has_nothing_to_stop(process: WebProcess, story: Story) -> None:
    await process.stop()
    assert story.told == []


async def test_uvicorn_starts_and_stops_it_by_lifespan(process: WebProcess, story: Story) -> None:
    answers = await lifespan(process, "startup", "shutdown")
    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert story.told == ["leave", "drain 0.5", "worker stop"]


async def test_a_lifespan_after_another_start_starts_nothing_twice(process: WebProcess, story: Story) -> None:
    await process.start()
    await lifespan(process, "startup", "startup", "shutdown")
    assert story.told == ["leave", "drain 0.5", "worker stop"]


async def test_everything_else_goes_to_the_application_without_a_root_path(process: WebProcess) -> None:
    for scope in (
        {"type": "http", "path": "/d/market/", "root_path": "/elsewhere"},
        {"type": "websocket", "path": "/healthz", "root_path": "/elsewhere"},
        {"type": "http", "path": "/healthz/x"},
    ):
        await process(scope, None, None)  # type: ignore[arg-type]
    app: Any = process._app
    assert [scope["root_path"] for scope in app.seen] == ["", "", ""]


async def test_outside_of_daphne_its_hooks_are_nothing(process: WebProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lifecycle.sys.modules, "twisted.internet.reactor", None)
    lifecycle.sys.modules.pop("twisted.internet.reactor")
    process.hook_into_daphne()
