"""Holds what the kinds of sources talk to in the contract tests."""

from __future__ import annotations

import os
from typing import Any

from dashboard.feeds import folders
from tests.support.unruly import Unruly, body
from tests.unit.feeds.kinds.contract import SECRET, Counterpart
from tests.unit.feeds.kinds.models import DjangoCounterpart
from tests.unit.feeds.kinds.posts import WebhookCounterpart
from tests.unit.feeds.kinds.stores import (
    MqttCounterpart,
    PostgresCounterpart,
    PostgresQueryCounterpart,
    RedisChannelCounterpart,
    RedisCounterpart,
)


class _Served(Counterpart):
    path = ""
    scheme = "http"

    async def start(self) -> None:
        if not hasattr(self, "server"):
            self.server = Unruly()
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()

    def config(self) -> dict[str, Any]:
        return {
            "url": self.server.url(self.path, self.scheme),
            "auth": "bearer",
            "token": SECRET,
            "series": [{"path": "a"}],
        }


class HttpCounterpart(_Served):
    kind = "http"
    path = "/json"
    flood = 50
    every_value_counts = False

    def config(self) -> dict[str, Any]:
        return super().config() | {"interval": 0.2, "timeout": 5}

    async def give(self, value: float) -> None:
        self.server.value = value
        self.server.answer = self.server.plainly

    async def babble(self, text: str) -> None:
        self.server.answer = self.server.with_text(text)

    async def fall_silent(self) -> None:
        self.server.answer = self.server.slowly

    async def pour(self, values: list[float]) -> None:
        rows = body(a=values[-1], **{f"x{row}": "y" * 10_000 for row in range(len(values))})
        self.server.answer = self.server.with_text(rows)


class _Pushed(_Served):
    def ready(self) -> bool:
        return self.server.listeners > 0

    async def give(self, value: float) -> None:
        await self.server.say(body(a=value))

    async def babble(self, text: str) -> None:
        await self.server.say(text)


class SseCounterpart(_Pushed):
    kind = "sse"
    path = "/events"


class WebSocketCounterpart(_Pushed):
    kind = "websocket"
    path = "/socket"
    scheme = "ws"


class CsvCounterpart(Counterpart):
    kind = "csv"
    # A file that nobody writes to looks as one whose writer has nothing to say.
    notices_absence = False

    async def start(self) -> None:
        folders.allow([str(self.folder)])
        self.file = self.folder / "line4.csv"
        self.file.write_text("a,b\n")

    async def stop(self) -> None:
        os.rename(self.file, self.folder / "line4.csv.1")

    def config(self) -> dict[str, Any]:
        return {"path": str(self.file), "columns": [{"column": "a"}], "interval": 0.1}

    async def give(self, value: float) -> None:
        with self.file.open("a") as file:
            file.write(f"{value},x\n")

    async def babble(self, text: str) -> None:
        with self.file.open("a") as file:
            file.write(f"{text},x\n")

    async def pour(self, values: list[float]) -> None:
        with self.file.open("a") as file:
            file.writelines(f"{value},x\n" for value in values)


class _Nobody(Counterpart):
    """Stands where the kind makes its ticks itself."""

    given = False
    exempt = dict.fromkeys(
        (
            "test_it_goes_on_after_its_counterpart_was_restarted",
            "test_it_waits_for_a_counterpart_that_is_not_there_yet",
            "test_garbage_is_said_and_what_comes_after_it_is_taken",
            "test_silence_is_told",
            "test_a_flood_arrives_in_order_and_drowns_nobody",
            "test_a_secret_that_comes_back_is_not_shown",
        ),
        "It makes its ticks itself: nobody is there who could go away, fall silent, or say anything.",
    )

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def give(self, value: float) -> None: ...

    async def babble(self, text: str) -> None: ...


class SimulatedCounterpart(_Nobody):
    kind = "simulated"
    key = "XYZ"

    def config(self) -> dict[str, Any]:
        return {"symbols": ["XYZ"], "rate": 20}

    def changed(self) -> dict[str, Any]:
        return self.config() | {"rate": 21}


class HostCounterpart(_Nobody):
    kind = "host"
    key = "cpu"

    def config(self) -> dict[str, Any]:
        return {"interval": 0.2}

    def changed(self) -> dict[str, Any]:
        return self.config() | {"per_core": False}


COUNTERPARTS: list[type[Counterpart]] = [
    SimulatedCounterpart,
    HostCounterpart,
    HttpCounterpart,
    SseCounterpart,
    WebSocketCounterpart,
    CsvCounterpart,
    RedisCounterpart,
    RedisChannelCounterpart,
    MqttCounterpart,
    PostgresCounterpart,
    PostgresQueryCounterpart,
    DjangoCounterpart,
    WebhookCounterpart,
]
