"""Runs what is published under topics of an MQTT broker."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import ssl
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any, Literal

import aiomqtt
from paho.mqtt.client import MQTTMessage
from pydantic import Field, SecretStr, field_validator, model_validator

from dashboard.feeds import reach
from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, FeedError, SeriesSpec
from dashboard.feeds.batches import NOTHING, join
from dashboard.feeds.extract import Extraction, Extractor
from dashboard.feeds.payload import number
from dashboard.feeds.words import one_line

# Seconds that the broker may take to answer, and between two signs of life when it has nothing to tell.
PATIENCE = 10.0
WAIT = 2.0
# Messages that wait to be taken in; what comes on top is lost, and counted. And how many are taken in at once.
MOST_WAITING = 10_000
TOGETHER = 500
# Bytes of one message.
MESSAGE_BYTES = 262_144
# Messages of QoS 1 that are remembered, to know one that is delivered again.
REMEMBERED = 1000
# Topics whose series have been described.
DESCRIBED = 10_000


class Broker(FeedConfig):
    url: Annotated[str, reach.url("mqtt", "mqtts")] = Field(
        title="URL", description="Where the broker is, without a login.", examples=["mqtt://192.168.1.20"]
    )
    topics: list[str] = Field(
        min_length=1,
        max_length=100,
        title="Topics",
        description="What to subscribe to: + stands for one level, # for all that follow.",
        examples=[["plant/+/temperature"]],
    )
    payload: Literal["plain", "json"] = Field(
        "plain",
        title="What is published",
        description="A number or a text, whose series is named by the topic; or JSON, from which values are picked.",
    )
    qos: Literal[0, 1] = Field(
        1, title="Quality", description="1 has the broker send again what was not confirmed; 0 does not."
    )
    client_id: str = Field("", max_length=23, pattern=r"^[\w.:-]*$", title="Client id", description="Empty: made up.")
    session: bool = Field(
        False,
        title="Keep the session",
        description="The broker keeps messages of quality 1 while this source is away. Needs a client id.",
    )
    keepalive: int = Field(
        30, ge=5, le=3600, title="Keep-alive", description="Seconds of silence until one asks whether the other lives."
    )
    username: str = Field(
        "", max_length=200, title="User", description="Empty: nobody.", json_schema_extra={"group": "Authentication"}
    )
    password: SecretStr | None = Field(
        None, title="Password", description="Empty: none.", json_schema_extra={"group": "Authentication"}
    )
    verify: bool = Field(
        True,
        title="Check the certificate",
        description="Of mqtts. Off only for a broker that signed its own.",
        json_schema_extra={"group": "Authentication"},
    )
    authority: str = Field(
        "",
        max_length=20_000,
        title="Certificate authority",
        description="In PEM, for a broker whose certificate is of an authority of one's own.",
        json_schema_extra={"group": "Authentication", "multiline": True},
    )

    @field_validator("topics")
    @classmethod
    def _can_be_subscribed_to(cls, topics: list[str]) -> list[str]:
        for topic in topics:
            levels = topic.split("/")
            stray = any(("+" in level or "#" in level) and len(level) > 1 for level in levels) or "#" in levels[:-1]
            if not topic or "\0" in topic or len(topic.encode()) > 1000 or stray:
                raise ValueError(f"“{one_line(topic)[:80]}” cannot be subscribed to: + and # stand for whole levels.")
        return topics

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Broker:
        if self.session and not self.client_id:
            raise ValueError("To keep the session, a client id is needed.")
        if self.authority:
            self.trust()
        return self

    def trust(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cadata=self.authority or None)
        except ssl.SSLError:
            raise ValueError("The certificate authority is not a certificate in PEM.") from None
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


class MqttConfig(Extraction, Broker):
    pass


class MqttFeed(Feed[MqttConfig]):
    kind = "mqtt"
    label = "MQTT"
    Config = MqttConfig

    def __init__(self, config: MqttConfig) -> None:
        super().__init__(config)
        self._password = config.password.get_secret_value() if config.password else None
        self._extractor = Extractor(config, [self._password] if self._password else [])
        # Several topics may say the same name: the topic then belongs to the key.
        self._prefixed = len(config.topics) > 1 or any(sign in config.topics[0] for sign in "+#")
        self._described: set[str] = set()

    def series(self) -> Sequence[SeriesSpec]:
        return self._extractor.series() if self.config.payload == "json" and not self._prefixed else ()

    async def run(self) -> AsyncIterator[FeedBatch]:
        try:
            async with self._connected() as client:
                for topic in self.config.topics:
                    await client.subscribe(topic, qos=self.config.qos)
                while True:
                    messages, lost = await client.next(WAIT)
                    yield self._batch(messages, lost)
                    # Only now: what was not given, the broker delivers again.
                    client.confirm(messages)
        except aiomqtt.MqttError as error:
            raise FeedError(f"the broker: {one_line(str(error)) or 'the connection is lost'}") from None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[_Client]:
        config = self.config
        target = reach.target(config.url, "mqtt", "mqtts")
        made = await reach.connect(target.host, target.port, PATIENCE)
        # The library connects and shakes hands on a thread, with a socket that waits.
        made.settimeout(PATIENCE)
        client = _Client(
            made,
            self.memory.setdefault("delivered", OrderedDict()),
            hostname=target.host,
            port=target.port,
            identifier=config.client_id or f"tickwall-{secrets.token_hex(6)}",
            clean_session=not config.session,
            username=config.username or None,
            password=self._password,
            keepalive=config.keepalive,
            timeout=PATIENCE,
            tls_context=config.trust() if target.secure else None,
        )
        try:
            async with client:
                yield client
        finally:
            client.let_go()
            made.close()

    def _batch(self, messages: Sequence[MQTTMessage], lost: int) -> FeedBatch:
        batches = [self._message(message) for message in messages]
        if not batches:
            return replace(NOTHING, lost=lost)
        return replace(join(batches, time.time_ns() // 1_000_000), lost=lost)

    def _message(self, message: MQTTMessage) -> FeedBatch:
        if len(message.payload) > MESSAGE_BYTES:
            return _refused(f"a message of more than {MESSAGE_BYTES:,} bytes", message.topic)
        batch = self._picked(message) if self.config.payload == "json" else _plain(message)
        if message.retain and batch.times is None:
            # The broker kept it from before we came, nobody knows how long: it is no news, and must not look like it.
            return NOTHING
        return batch

    def _picked(self, message: MQTTMessage) -> FeedBatch:
        batch = self._extractor.hear(bytes(message.payload))
        if not self._prefixed:
            return batch
        topic = message.topic
        described = [*batch.series]
        if topic not in self._described and len(self._described) < DESCRIBED:
            self._described.add(topic)
            described += self._extractor.series()
        return replace(
            batch,
            keys=[f"{topic}.{key}" for key in batch.keys],
            series=[replace(it, key=f"{topic}.{it.key}", label="") for it in described],
        )


class _Client(aiomqtt.Client):
    """A client on a socket that is there already. It confirms what was given on, and knows what comes again."""

    def __init__(self, made: socket.socket, delivered: OrderedDict[int, int], **options: Any) -> None:
        super().__init__(**options)
        # The library would look the name up by itself and connect to whatever it finds.
        self._client._create_socket_connection = lambda: made  # type: ignore[method-assign]
        # And it would check the name in a certificate that is not to be checked.
        trust: ssl.SSLContext | None = options.get("tls_context")
        host = options["hostname"]
        if trust is not None:
            self._client._ssl_wrap_socket = lambda tcp_sock: trust.wrap_socket(tcp_sock, server_hostname=host)  # type: ignore[method-assign]
        self._client.manual_ack_set(True)
        self._delivered = delivered
        self._heard: deque[MQTTMessage] = deque()
        self._came = asyncio.Event()
        self._lost = 0

    async def next(self, seconds: float) -> tuple[list[MQTTMessage], int]:
        """Returns what came, after so many seconds at the latest, and how many messages were too many to keep."""
        if not self._heard and not self._disconnected.done():
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._came.wait()
        if not self._heard and self._disconnected.done():
            self._disconnected.result()
            raise aiomqtt.MqttError("the connection is lost")
        lost, self._lost = self._lost, 0
        return [self._heard.popleft() for _ in range(min(TOGETHER, len(self._heard)))], lost

    def let_go(self) -> None:
        """Closes what a refused login or a broken connection leaves open."""
        self._client._sock_close()

    def confirm(self, messages: Sequence[MQTTMessage]) -> None:
        for message in messages:
            if message.qos:
                self._delivered[message.mid] = _print(message)
                self._delivered.move_to_end(message.mid)
                self._client.ack(message.mid, message.qos)
        while len(self._delivered) > REMEMBERED:
            self._delivered.popitem(last=False)

    def _on_disconnect(self, *told: Any) -> None:
        super()._on_disconnect(*told)
        self._came.set()

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:
        if message.dup and self._delivered.get(message.mid) == _print(message):
            # It was given on, and only its confirmation was lost.
            self._client.ack(message.mid, message.qos)
        elif len(self._heard) >= MOST_WAITING:
            self._lost += 1
            self._client.ack(message.mid, message.qos)
        else:
            self._heard.append(message)
            self._came.set()


def _print(message: MQTTMessage) -> int:
    return hash((message.topic, message.payload))


def _plain(message: MQTTMessage) -> FeedBatch:
    """Returns a payload that is a number or a text."""
    try:
        text = message.payload.decode()
    except UnicodeDecodeError:
        return _refused("a payload is not text", message.topic)
    try:
        return FeedBatch([message.topic], [number(text)])
    except ValueError:
        return FeedBatch([message.topic], [text])


def _refused(why: str, topic: str) -> FeedBatch:
    return FeedBatch([], [], refused=[(why, one_line(topic)[:80])])
