"""Holds the brokers and stores that kinds of sources listen to in the contract tests: real ones, of the test's own."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import psycopg
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from tests.support.services import free_port, mosquitto, redis_server
from tests.unit.feeds.kinds.contract import SECRET, Counterpart


class _Server(Counterpart):
    """A server that is there again on the same port after it was stopped."""

    port = 0

    def run(self) -> Any:
        raise NotImplementedError

    async def start(self) -> None:
        self.port = self.port or free_port()
        self.stack = ExitStack()
        await asyncio.to_thread(self.stack.enter_context, self.run())

    async def stop(self) -> None:
        await asyncio.to_thread(self.stack.close)


class RedisCounterpart(_Server):
    kind = "redis"
    mode = "stream"

    def run(self) -> Any:
        return redis_server(self.port)

    async def start(self) -> None:
        await super().start()
        async with Redis(port=self.port) as client:
            await client.execute_command("ACL", "SETUSER", "wall", "on", f">{SECRET}", "~*", "&*", "+@all")

    def config(self) -> dict[str, Any]:
        url = f"redis://127.0.0.1:{self.port}"
        login = {"username": "wall", "password": SECRET}
        series = [{"path": "a"}]
        return {"url": url, "name": "plant", "field": "body", "start": "oldest", "series": series, **login}

    async def _add(self, *bodies: str) -> None:
        async with Redis(port=self.port) as client, client.pipeline(transaction=False) as pipe:
            for body in bodies:
                pipe.xadd("plant", {"body": body})
            await pipe.execute()

    async def give(self, value: float) -> None:
        await self._add(f'{{"a": {value}}}')

    async def pour(self, values: list[float]) -> None:
        await self._add(*(f'{{"a": {value}}}' for value in values))

    async def babble(self, text: str) -> None:
        await self._add(text)


class RedisChannelCounterpart(RedisCounterpart):
    mode = "channel"

    def config(self) -> dict[str, Any]:
        config = super().config() | {"mode": "channel"}
        return {name: value for name, value in config.items() if name not in ("field", "start")}

    def ready(self) -> bool:
        with SyncRedis(port=self.port) as client:
            return client.pubsub_numsub("plant") == [(b"plant", 1)]

    async def _add(self, *bodies: str) -> None:
        async with Redis(port=self.port) as client, client.pipeline(transaction=False) as pipe:
            for body in bodies:
                pipe.publish("plant", body)
            await pipe.execute()


class MqttCounterpart(_Server):
    kind = "mqtt"

    def run(self) -> Any:
        return mosquitto(self.port, max_queued_messages="0")

    def config(self) -> dict[str, Any]:
        # A broker that lets everybody in does not look at the password.
        login = {"username": "wall", "password": SECRET}
        url = f"mqtt://127.0.0.1:{self.port}"
        return {"url": url, "topics": ["plant"], "payload": "json", "series": [{"path": "a"}], **login}

    async def _publish(self, *bodies: str) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            for body in bodies:
                await client.publish("plant", body, qos=1)

    async def give(self, value: float) -> None:
        await self._publish(f'{{"a": {value}}}')

    async def pour(self, values: list[float]) -> None:
        await self._publish(*(f'{{"a": {value}}}' for value in values))

    async def babble(self, text: str) -> None:
        await self._publish(text)


class PostgresCounterpart(Counterpart):
    """A database of the server that the tests share; it goes away by taking no connections and ending those there are.

    The server trusts everybody, and does not look at the password.
    """

    kind = "postgres"
    mode = "listen"
    database = ""

    async def start(self) -> None:
        if self.database:
            await self._tell(f"ALTER DATABASE {self.database} ALLOW_CONNECTIONS true")
        else:
            self.database = f"plant_{secrets.token_hex(6)}"
            await self._tell(f"CREATE DATABASE {self.database}")

    async def stop(self) -> None:
        await self._tell(f"ALTER DATABASE {self.database} ALLOW_CONNECTIONS false")
        await self._tell(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.database}'")

    @property
    def server(self) -> str:
        return str(self.request.getfixturevalue("postgres_url"))

    async def _tell(self, *commands: str, database: str = "postgres") -> None:
        url = urlsplit(self.server)._replace(path=f"/{database}").geturl()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            for command in commands:
                await connection.execute(command.encode())

    def config(self) -> dict[str, Any]:
        url = f"postgres://127.0.0.1:{urlsplit(self.server).port}/{self.database}"
        login = {"username": "tickwall", "password": SECRET}
        return {"url": url, "mode": "listen", "channel": "plant", "series": [{"path": "a"}], **login}

    async def _notify(self, *bodies: str) -> None:
        # It takes neither NUL nor more than 8,000 bytes.
        texts = (body.replace("\0", "")[:7000].replace("'", "''") for body in bodies)
        await self._tell(*(f"NOTIFY plant, '{text}'" for text in texts), database=self.database)

    async def give(self, value: float) -> None:
        await self._notify(f'{{"a": {value}}}')

    async def pour(self, values: list[float]) -> None:
        await self._notify(*(f'{{"a": {value}}}' for value in values))

    async def babble(self, text: str) -> None:
        await self._notify(text)


class PostgresQueryCounterpart(PostgresCounterpart):
    """A row that is asked for again and again."""

    mode = "query"
    # A query sees what is there when it is asked.
    every_value_counts = False
    flood = 50

    async def start(self) -> None:
        fresh = not self.database
        await super().start()
        if fresh:
            await self._tell("CREATE TABLE plant (a text)", database=self.database)

    def config(self) -> dict[str, Any]:
        config = super().config() | {"mode": "query", "query": "SELECT a FROM plant", "interval": 0.2}
        return {name: value for name, value in config.items() if name != "channel"}

    async def _put(self, *texts: str) -> None:
        rows = (f"INSERT INTO plant VALUES ('{text}')" for text in texts)
        await self._tell("BEGIN", "DELETE FROM plant", *rows, "COMMIT", database=self.database)

    async def give(self, value: float) -> None:
        await self._put(str(value))

    async def pour(self, values: list[float]) -> None:
        for value in values:
            await self._put(str(value))

    async def babble(self, text: str) -> None:
        await self._put(text.replace("\0", "").replace("'", "''"))

    async def fall_silent(self) -> None:
        await self._put()
