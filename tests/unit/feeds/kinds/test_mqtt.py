"""Tests the kind `mqtt` against a real broker: restarts, refusals, what comes twice, and what is old."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiomqtt
import pytest

from dashboard.feeds import registry
from dashboard.feeds.base import FeedBatch, FeedError
from dashboard.feeds.kinds import mqtt as module
from dashboard.feeds.kinds.mqtt import MqttFeed
from dashboard.feeds.limits import Limits
from dashboard.feeds.registry import BadConfig, validated
from tests.support.proxy import Certificate
from tests.support.services import free_port, mosquitto
from tests.unit.feeds.cast import Bench, Running, until
from tests.unit.feeds.kinds.reading import some


@pytest.fixture(scope="module")
def broker() -> Iterator[int]:
    with mosquitto() as port:
        yield port


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, local_addresses: None) -> None:
    monkeypatch.setattr(module, "WAIT", 0.05)


def feed(port: int, *topics: str, memory: dict[str, Any] | None = None, **config: Any) -> MqttFeed:
    given = {"url": f"mqtt://127.0.0.1:{port}", "topics": topics or ["plant/#"], **config}
    one = MqttFeed(validated(MqttFeed, given))  # type: ignore[arg-type]
    one.memory = {} if memory is None else memory
    return one


async def publish(port: int, *messages: tuple[str, str | bytes], retain: bool = False, **login: Any) -> None:
    async with aiomqtt.Client("127.0.0.1", port, **login) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1, retain=retain)


async def begun(batches: AsyncIterator[FeedBatch]) -> None:
    """Waits until the feed listens and nothing has come."""
    async with asyncio.timeout(20):
        while (await anext(batches)).keys:
            pass


async def test_plain_payloads_are_named_by_their_topics(broker: int) -> None:
    async with aclosing(feed(broker, "plant/+/t", "plant/door").run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        await publish(broker, ("plant/a/t", "11.5"), ("plant/b/t", "7"), ("plant/x", "1"), ("plant/door", "open"))
        assert await some(batches, 3) == [("plant/a/t", 11.5), ("plant/b/t", 7.0), ("plant/door", "open")]


async def test_values_are_picked_out_of_json(broker: int) -> None:
    series = [{"path": "main.t", "key": "t", "unit": "°C"}]
    async with aclosing(feed(broker, "json/+", payload="json", series=series).run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        await publish(broker, ("json/a", '{"main": {"t": 3}}'))
        batch = await anext(batches)
        assert (list(batch.keys), list(batch.values)) == (["json/a.t"], [3.0])
        assert [(it.key, it.unit) for it in batch.series] == [("json/a.t", "°C")]
    one = feed(broker, "json/a", payload="json", series=series)
    assert [it.key for it in one.series()] == ["t"]
    async with aclosing(one.run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        await publish(broker, ("json/a", '{"main": {"t": 4}}'))
        assert await some(batches, 1) == [("t", 4.0)]


async def test_garbage_is_refused_and_the_next_message_is_taken(broker: int) -> None:
    config = {"payload": "json", "series": [{"path": "t"}]}
    async with aclosing(feed(broker, "bad", **config).run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        await publish(broker, ("bad", b"\xff\xfe"), ("bad", b"{" * 300_000), ("bad", '{"t": 1}'))
        assert await some(batches, 3) == [
            ("refused", "a message is not JSON"),
            ("refused", "a message of more than 262,144 bytes"),
            ("t", 1.0),
        ]
    async with aclosing(feed(broker, "bad").run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        await publish(broker, ("bad", b"\xff"), ("bad", "2"))
        assert await some(batches, 2) == [("refused", "a payload is not text"), ("bad", 2.0)]


async def test_a_retained_message_is_old_and_no_tick_unless_it_says_when_it_was(broker: int) -> None:
    await publish(broker, ("kept/a", '{"t": 1, "at": 1795361835}'), retain=True)
    async with aclosing(feed(broker, "kept/a").run()) as batches:  # type: ignore[type-var]
        for _ in range(5):
            assert list((await anext(batches)).keys) == []
        await publish(broker, ("kept/b", "0"), ("kept/a", "2"), retain=True)
        assert await some(batches, 1) == [("kept/a", 2.0)], "what is published while one listens is news"
    await publish(broker, ("kept/a", '{"t": 1, "at": 1795361835}'), retain=True)
    config = {"payload": "json", "series": [{"path": "t"}], "time": "at"}
    async with aclosing(feed(broker, "kept/a", **config).run()) as batches:  # type: ignore[type-var]
        async with asyncio.timeout(20):
            while not (batch := await anext(batches)).keys:
                pass
    assert list(batch.times or []) == [1795361835000]


async def test_with_a_session_nothing_is_missed_while_away(broker: int) -> None:
    config = {"client_id": "away", "session": True}
    memory: dict[str, Any] = {}
    async with aclosing(feed(broker, "away/t", memory=memory, **config).run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        await publish(broker, ("away/t", "1"))
        assert await some(batches, 1) == [("away/t", 1.0)]
        await begun(batches)
    await publish(broker, ("away/t", "2"), ("away/t", "3"))
    async with aclosing(feed(broker, "away/t", memory=memory, **config).run()) as batches:  # type: ignore[type-var]
        assert await some(batches, 2) == [("away/t", 2.0), ("away/t", 3.0)]


async def test_what_was_not_given_on_is_delivered_again(broker: int) -> None:
    config = {"client_id": "again", "session": True}
    batches = feed(broker, "again/t", **config).run()
    await begun(batches)
    await publish(broker, ("again/t", "1"))
    # Ended while it gives the tick: nobody can say that it arrived.
    assert await some(batches, 1) == [("again/t", 1.0)]
    await batches.aclose()  # type: ignore[attr-defined]
    async with aclosing(feed(broker, "again/t", **config).run()) as batches:  # type: ignore[type-var]
        assert await some(batches, 1) == [("again/t", 1.0)]


async def test_what_was_given_on_and_comes_again_is_filtered(broker: int, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"client_id": "twice", "session": True}
    memory: dict[str, Any] = {}
    batches = feed(broker, "twice/t", memory=memory, **config).run()
    await begun(batches)
    with monkeypatch.context() as patch:
        # The confirmation is lost on its way.
        patch.setattr("paho.mqtt.client.Client.ack", lambda *_: None)
        await publish(broker, ("twice/t", "1"))
        assert await some(batches, 1) == [("twice/t", 1.0)]
        await begun(batches)
        await batches.aclose()  # type: ignore[attr-defined]
    await publish(broker, ("twice/t", "2"))
    async with aclosing(feed(broker, "twice/t", memory=memory, **config).run()) as batches:  # type: ignore[type-var]
        assert await some(batches, 1) == [("twice/t", 2.0)]


async def test_messages_that_are_too_many_to_keep_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    one, other = socket.socketpair()
    client = module._Client(one, OrderedDict(), hostname="localhost")
    for number in range(5):
        payload = str(number).encode()
        message: Any = SimpleNamespace(topic="t", payload=payload, qos=0, mid=0, dup=False, retain=False)
        client._on_message(None, None, message)
    messages, lost = await client.next(0.01)
    assert ([message.payload for message in messages], lost) == ([b"0", b"1"], 3)
    one.close()
    other.close()


async def test_a_flood_comes_whole_and_in_order(broker: int) -> None:
    async with aclosing(feed(broker, "flood").run()) as batches:  # type: ignore[type-var]
        await begun(batches)
        sending = asyncio.create_task(publish(broker, *(("flood", str(number)) for number in range(2000))))
        assert [value for _, value in await some(batches, 2000)] == list(range(2000))
        await sending


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"topics": ["a/#/b"]}, "cannot be subscribed to"),
        ({"topics": ["a+"]}, "cannot be subscribed to"),
        ({"topics": []}, "at least 1 item"),
        ({"session": True}, "client id is needed"),
        ({"authority": "nonsense"}, "not a certificate"),
        ({"url": "http://127.0.0.1"}, "mqtt://"),
        ({"url": "mqtt://ana:sesame@127.0.0.1"}, "login"),
    ],
)
def test_a_config_that_cannot_work_is_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        validated(MqttFeed, {"url": "mqtt://127.0.0.1", "topics": ["a"], **config})


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """The port of a broker that wants a login over TLS, and the authority that signed its certificate."""
    certificate, passwords = Certificate.make(tmp_path), tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "ana", "sesame street"], check=True, capture_output=True)
    options = {"certfile": str(certificate.path), "keyfile": str(certificate.key), "password_file": str(passwords)}
    with mosquitto(**options, allow_anonymous="false") as port:
        yield port, certificate.path.read_text()


async def test_login_and_certificate_are_checked_and_the_password_is_never_said(guarded: tuple[int, str]) -> None:
    port, authority = guarded
    config = {"url": f"mqtts://127.0.0.1:{port}", "username": "ana", "password": "sesame street"}
    with pytest.raises(FeedError, match="certificate verify failed"):
        await anext(feed(port, **config).run())
    with pytest.raises(FeedError) as refused:
        await anext(feed(port, **{**config, "authority": authority, "password": "open barley"}).run())
    assert "uthori" in str(refused.value)
    assert "barley" not in str(refused.value)
    for trusting in ({"authority": authority}, {"verify": False}):
        async with aclosing(feed(port, "t", **config, **trusting).run()) as batches:  # type: ignore[type-var]
            await begun(batches)


async def test_it_outlives_a_restart_of_the_broker_and_its_sibling_hears_nothing_of_it(broker: int) -> None:
    bench = Bench(limits=Limits(look=0.02, silence=1.0, silence_extra=0.5, end=1.0, retry_base=0.02))
    bench.kinds["mqtt"] = registry.kind("mqtt")
    port = free_port()
    configs = [{"url": f"mqtt://127.0.0.1:{each}", "topics": ["t"]} for each in (port, broker)]
    sick = bench.runner(bench.spec("mqtt", 1, config=configs[0], cadence=0.1))
    sibling = bench.runner(bench.spec("mqtt", 2, config=configs[1], cadence=0.1))
    async with Running(sick), Running(sibling):
        with mosquitto(port):
            await _until_it_comes(bench, 1, port, "1")
            await until(lambda: bench.states()[-1] == "late", 20)
        await until(lambda: bench.states()[-1] == "down", 20)
        with mosquitto(port):
            await _until_it_comes(bench, 1, port, "2")
        await _until_it_comes(bench, 2, broker, "1")
        assert "down" not in bench.states(2)
    assert bench.values()[0] == 1.0
    assert bench.values()[-1] == 2.0


async def _until_it_comes(bench: Bench, source: int, port: int, payload: str) -> None:
    """Publishes until the feed, which may be on its way back yet, has heard it."""
    async with asyncio.timeout(30):
        while not bench.values(source) or bench.values(source)[-1] != float(payload):
            await publish(port, ("t", payload))
            await asyncio.sleep(0.1)
