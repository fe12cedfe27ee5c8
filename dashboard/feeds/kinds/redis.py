"""Runs what somebody writes into a Redis: the entries of a stream, or the messages of a channel."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ssl import SSLCertVerificationError
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisGone

from dashboard.feeds import reach
from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, FeedError, SeriesSpec
from dashboard.feeds.batches import NOTHING, join
from dashboard.feeds.extract import Extraction, Extractor
from dashboard.feeds.payload import number
from dashboard.feeds.words import one_line

# Seconds that Redis may take to answer, and that it holds a question for news back.
PATIENCE = 10.0
WAIT = 2.0
# Entries that are taken in at once; messages of a channel likewise.
TOGETHER = 500
# Bytes of one message.
MESSAGE_BYTES = 262_144
# The one reader of a group: a lease sees to that there are no two, and what he left behind is his own.
READER = "tickwall"


class Reading(FeedConfig):
    url: Annotated[str, reach.url("redis", "rediss")] = Field(
        title="URL",
        description="Where Redis is, without a login; the number at its end is the database.",
        examples=["redis://192.168.1.20:6379/0"],
    )
    username: str = Field(
        "",
        max_length=200,
        title="User",
        description="Of an ACL. Empty: the default one.",
        json_schema_extra={"group": "Authentication"},
    )
    password: SecretStr | None = Field(
        None, title="Password", description="Empty: none.", json_schema_extra={"group": "Authentication"}
    )
    mode: Literal["stream", "channel", "pattern"] = Field(
        "stream",
        title="What to read",
        description="A stream keeps what was written: nothing is missed. A channel, or those of a pattern, does not.",
    )
    name: str = Field(min_length=1, max_length=500, title="Name", description="Of the stream, channel or pattern.")
    start: str = Field(
        "new",
        pattern=r"^(new|oldest|\d{1,15}(-\d{1,15})?)$",
        title="Begin with",
        description="For a stream: new, oldest, or the id after which to begin. A reconnect goes on where it was.",
    )
    group: str = Field(
        "",
        max_length=200,
        title="Consumer group",
        description="For a stream: Redis then keeps how far this source has read, across restarts of the worker.",
    )
    field: str = Field(
        "",
        max_length=200,
        title="Field of JSON",
        description="For a stream: the field whose JSON is read. Empty: the fields of an entry are the values.",
    )

    @field_validator("name", "group", "field")
    @classmethod
    def _is_text(cls, text: str) -> str:
        if "\0" in text:
            raise ValueError("A name has no NUL.")
        return text


class RedisConfig(Extraction, Reading):
    pass


class RedisFeed(Feed[RedisConfig]):
    kind = "redis"
    label = "Redis (stream or channel)"
    Config = RedisConfig

    def __init__(self, config: RedisConfig) -> None:
        super().__init__(config)
        password = config.password.get_secret_value() if config.password else None
        self._password = password
        self._extractor = Extractor(config, [password] if password else [])

    def series(self) -> Sequence[SeriesSpec]:
        return self._extractor.series()

    async def run(self) -> AsyncIterator[FeedBatch]:
        async with self._connected() as client:
            try:
                batches = self._stream(client) if self.config.mode == "stream" else self._channel(client)
                async for batch in batches:
                    yield batch
            except AuthenticationError as error:
                raise FeedError(f"Redis refuses the login: {one_line(str(error))}") from None
            except RedisGone as error:
                if isinstance(error.__context__, SSLCertVerificationError):
                    raise reach.bad_certificate(str(urlsplit(self.config.url).hostname), error.__context__) from None
                raise FeedError("Redis has closed the connection") from None
            except RedisError as error:
                raise FeedError(f"Redis refuses: {one_line(str(error))}") from None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Redis]:
        target = reach.target(self.config.url, "redis", "rediss")
        base: type[Connection] = SSLConnection if target.secure else Connection
        made = await reach.connect(target.host, target.port, PATIENCE)
        pool = ConnectionPool(
            connection_class=_on(made, base, target.host),
            max_connections=1,
            db=_database(self.config.url),
            username=self.config.username or None,
            password=self._password,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        client = Redis(connection_pool=pool)
        try:
            yield client
        finally:
            await client.aclose()
            await pool.disconnect()
            made.close()

    # --- streams ---

    async def _stream(self, client: Redis) -> AsyncIterator[FeedBatch]:
        if self.config.group:
            await self._join_group(client)
        else:
            await self._find_place(client)
        # What a reader of a group had been given and did not confirm comes first.
        pending = bool(self.config.group)
        while True:
            lost = await self._missed(client)
            entries = await self._read(client, pending)
            pending = pending and bool(entries)
            if not entries:
                yield FeedBatch([], [], lost=lost)
                continue
            # Of what was taken out while it waited for a confirmation, only the id is left.
            whole = [self._entry(name, fields) for name, fields in entries if fields]
            yield replace(join([NOTHING, *whole], _now()), lost=lost + len(entries) - len(whole))
            self._note(entries)
            if self.config.group:
                await client.xack(self.config.name, self.config.group, *(name for name, _ in entries))

    async def _read(self, client: Redis, pending: bool) -> list[Any]:
        name, block = self.config.name, int(WAIT * 1000)
        if self.config.group:
            place: Any = {name: "0" if pending else ">"}
            return _entries(await client.xreadgroup(self.config.group, READER, place, count=TOGETHER, block=block))
        return _entries(await client.xread({name: self.memory["after"]}, count=TOGETHER, block=block))

    def _note(self, entries: list[Any]) -> None:
        if "read" in self.memory:
            self.memory["read"] += len(entries)
        self.memory["after"] = entries[-1][0].decode()

    async def _join_group(self, client: Redis) -> None:
        start = {"new": "$", "oldest": "0"}.get(self.config.start, self.config.start)
        try:
            await client.xgroup_create(self.config.name, self.config.group, start, mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _find_place(self, client: Redis) -> None:
        """Goes on where the last run was; the first one begins where the config says."""
        if "after" in self.memory:
            return
        info = await self._info(client)
        added = int(info.get("entries-added", 0))
        if self.config.start == "new":
            self.memory.update(after=info.get("last-generated-id", b"0-0").decode(), read=added)
        elif self.config.start == "oldest":
            self.memory.update(after="0", read=added - int(info.get("length", 0)))
        else:
            self.memory["after"] = self.config.start

    async def _missed(self, client: Redis) -> int:
        """Returns how many entries were taken out of the stream before they were read.

        Redis (since version 7) counts what was ever added. If the oldest entry that is left is still to be read, so are
        all that are left, and what neither was read nor is left is lost.
        """
        info = await self._info(client)
        if self.config.group:
            return await self._missed_by_group(client, info)
        read, after = self.memory.get("read"), _place(self.memory["after"])
        if read is None or (info and "entries-added" not in info):
            return 0
        added = int(info.get("entries-added", 0))
        if added < read:
            # The stream was deleted, or Redis has lost it; how much came into the old one nobody knows.
            self.memory.update(after="0", read=0)
            return 1
        lost = added - read - int(info.get("length", 0)) if _begins_after(info, after) else 0
        self.memory["read"] = read + max(0, lost)
        return max(0, lost)

    async def _missed_by_group(self, client: Redis, info: Mapping[str, Any]) -> int:
        """Asks Redis how much the group was given; what neither was given nor is left is lost."""
        groups = await client.xinfo_groups(self.config.name)
        mine = next((each for each in groups if each["name"] == self.config.group.encode()), None)
        if mine is None:
            raise FeedError(f"the consumer group “{self.config.group}” is gone")
        given, left = mine.get("entries-read"), int(info.get("length", 0))
        if given is None or not _begins_after(info, _place(mine["last-delivered-id"])):
            return 0
        lost = int(info["entries-added"]) - int(given) - left
        if lost > 0:
            # So that it is told once.
            place = mine["last-delivered-id"]
            await client.xgroup_setid(self.config.name, self.config.group, place, entries_read=int(given) + lost)
        return max(0, lost)

    async def _info(self, client: Redis) -> Mapping[str, Any]:
        """Returns what Redis knows of the stream; nothing where there is none yet."""
        try:
            info: Mapping[str, Any] = await client.xinfo_stream(self.config.name)
        except ResponseError as error:
            if "no such key" in str(error):
                return {}
            raise
        return info

    def _entry(self, name: bytes, fields: Mapping[bytes, bytes]) -> FeedBatch:
        """Turns an entry into a batch; without another time, its id says when it was."""
        texts = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in fields.items()}
        if self.config.field:
            batch = self._message(texts.get(self.config.field, "").encode())
        else:
            batch = self._extractor.batch({key: _value(text) for key, text in texts.items()})
        if batch.times is None:
            batch = replace(batch, times=[_place(name)[0]] * len(batch.keys))
        return batch

    # --- channels ---

    async def _channel(self, client: Redis) -> AsyncIterator[FeedBatch]:
        name = self.config.name
        async with client.pubsub() as messages:
            await (messages.psubscribe(name) if self.config.mode == "pattern" else messages.subscribe(name))
            while True:
                batches: list[FeedBatch] = []
                wait: float = WAIT
                while len(batches) < TOGETHER:
                    message = await messages.get_message(ignore_subscribe_messages=True, timeout=wait)
                    if message is None:
                        break
                    if message["type"] != "pong":
                        batches.append(self._message(message["data"]))
                        wait = 0.0
                if batches:
                    yield join(batches, _now())
                else:
                    await messages.ping()
                    yield NOTHING

    def _message(self, body: bytes) -> FeedBatch:
        if len(body) > MESSAGE_BYTES:
            return FeedBatch([], [], refused=[(f"a message of more than {MESSAGE_BYTES:,} bytes", "")])
        return self._extractor.hear(body)


def _on(made: socket.socket, base: type[Connection], host: str) -> type[Connection]:
    """Returns a class of connections that use a socket that is there already, and never another one."""

    class Made(base):  # type: ignore[misc, valid-type]
        def _connection_arguments(self) -> Mapping[str, Any]:
            secure = super()._connection_arguments().get("ssl")
            return {"sock": made, **({"ssl": secure, "server_hostname": host} if secure else {})}

    return Made


def _database(url: str) -> int:
    number = urlsplit(url).path.strip("/")
    return int(number) if number.isascii() and number.isdigit() else 0


def _entries(found: Any) -> list[Any]:
    """Reads what redis-py answers: of one stream, in two forms."""
    if isinstance(found, dict):
        return [entry for batches in found.values() for batch in batches for entry in batch]
    return [entry for _, entries in found or () for entry in entries]


def _value(text: str) -> float | str:
    try:
        return number(text)
    except ValueError:
        return text


def _begins_after(info: Mapping[str, Any], place: tuple[int, int]) -> bool:
    """Tells whether nothing up to a place is left in a stream."""
    oldest = info.get("first-entry")
    return oldest is None or _place(oldest[0]) > place


def _place(name: bytes | str) -> tuple[int, int]:
    milliseconds, _, sequence = (name.decode() if isinstance(name, bytes) else name).partition("-")
    return int(milliseconds), int(sequence or 0)


def _now() -> int:
    return time.time_ns() // 1_000_000
