"""Tests what is particular to the kinds sse and websocket; what all kinds bear is in test_contract.py."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard.feeds import reach
from dashboard.feeds.base import Feed, FeedBatch, FeedError
from dashboard.feeds.kinds.sse import SseFeed
from dashboard.feeds.kinds.websocket import WebSocketFeed
from dashboard.feeds.registry import validated
from tests.support.unruly import Unruly, body
from tests.unit.feeds.cast import until
from tests.unit.feeds.kinds.reading import error, first

KINDS: dict[Any, tuple[str, str]] = {SseFeed: ("/events", "http"), WebSocketFeed: ("/socket", "ws")}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


def feed(kind: type[Feed[Any]], unruly: Unruly, **config: Any) -> Feed[Any]:
    return kind(validated(kind, {"url": unruly.url(*KINDS[kind]), **config}))


def values(found: list[FeedBatch]) -> list[Any]:
    return [list(batch.values) for batch in found]


async def test_an_event_stream_is_resumed_after_the_last_event_that_was_taken(unruly: Unruly) -> None:
    unruly.greeting = ['id: 1\ndata: {"a": 1}\n\nid: 2\ndata: {"a": 2}\n\nid: 3\ndata: {"a": 3}\n\n']
    one = feed(SseFeed, unruly)
    assert values(await first(one, 3)) == [[1.0], [2.0], [3.0]]
    # The third was given, but whether it was taken is not known: it is asked for again rather than lost.
    assert one.memory["last_id"] == "2"
    next_one = feed(SseFeed, unruly)
    next_one.memory = one.memory
    await first(next_one, 1)
    assert "Last-Event-ID" not in unruly.requests[0].headers
    assert unruly.requests[1].headers["Last-Event-ID"] == "2"


async def test_only_events_of_the_wanted_names_are_taken(unruly: Unruly) -> None:
    unruly.greeting = ['event: hello\ndata: you\n\nevent: price\ndata: {"a": 1}\n\ndata: {"a": 2}\n\n']
    assert values(await first(feed(SseFeed, unruly, events=["price", "message"]), 2)) == [[1.0], [2.0]]


async def test_the_server_says_how_long_to_wait_after_the_end(unruly: Unruly) -> None:
    unruly.answer = unruly.with_bytes(b"retry: 2500\ndata: 1\n\n", Content_Type="text/event-stream")
    with pytest.raises(FeedError, match="ended the stream") as caught:
        await first(feed(SseFeed, unruly), 2)
    assert caught.value.retry_after == 2.5


async def test_what_is_no_event_stream_is_said(unruly: Unruly) -> None:
    unruly.answer = unruly.with_text("{}")
    assert await error(feed(SseFeed, unruly)) == "the server answers with text/plain instead of an event stream"
    unruly.answer = unruly.with_text("", 503)
    assert await error(feed(SseFeed, unruly)) == "the server answered 503 Service Unavailable"


async def test_a_socket_hears_the_first_messages_with_the_token_in_its_place(unruly: Unruly) -> None:
    opening = ['{"op": "auth", "key": "{token}"}', '{"op": "subscribe"}']
    one = feed(WebSocketFeed, unruly, subscribe=opening, token="sesame")
    running = asyncio.create_task(first(one, 1))
    await until(lambda: len(unruly.heard) == 2, 20)
    assert unruly.heard == ['{"op": "auth", "key": "sesame"}', '{"op": "subscribe"}']
    await unruly.say(body(a=1))
    assert values(await running) == [[1.0]]


async def test_a_socket_without_its_token_says_nothing(unruly: Unruly) -> None:
    assert await error(feed(WebSocketFeed, unruly, subscribe=["{token}"])) == "the token is not set"
    assert unruly.heard == []


async def test_a_socket_that_is_closed_says_with_which_code(unruly: Unruly) -> None:
    running = asyncio.create_task(error(feed(WebSocketFeed, unruly)))
    await until(lambda: unruly.sockets, 20)
    await unruly.hang_up(1001)
    assert await running == "the server closed the socket (1001: bye)"


async def test_a_message_that_is_too_long_ends_the_socket(unruly: Unruly) -> None:
    unruly.greeting = ["x" * 1_100_000]
    assert "the socket was cut: Message" in await error(feed(WebSocketFeed, unruly))


async def test_a_socket_whose_server_does_not_answer_pings_is_given_up(local_addresses: None) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from base64 import b64encode
        from hashlib import sha1

        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line.split(": ")[1] for line in asked.split("\r\n") if line.lower().startswith("sec-websocket-key"))
        accept = b64encode(sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        await reader.read()
        writer.close()

    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        one = WebSocketFeed(validated(WebSocketFeed, {"url": f"ws://127.0.0.1:{port}/", "ping": 1}))  # type: ignore[arg-type]
        assert await error(one) == "the server does not answer pings"


@each_kind
async def test_credentials_are_sent(kind: Any, unruly: Unruly) -> None:
    unruly.greeting = ['data: {"a": 1}\n\n' if kind is SseFeed else body(a=1)]
    await first(feed(kind, unruly, auth="bearer", token="sesame"), 1)
    assert unruly.requests[0].headers["Authorization"] == "Bearer sesame"


@each_kind
async def test_a_redirect_takes_nobody_along(kind: Any, unruly: Unruly) -> None:
    unruly.answer = unruly.to(unruly.url("/elsewhere"))
    assert "redirect" in await error(feed(kind, unruly, auth="header", token="sesame"))
    assert len(unruly.requests) == 1


@each_kind
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1"])
async def test_nothing_is_reached_that_is_not_allowed(kind: Any, host: str, unruly: Unruly) -> None:
    reach.allow([])
    path, scheme = KINDS[kind]
    one = kind(validated(kind, {"url": f"{scheme}://{host}:{unruly.port}{path}"}))
    assert await error(one)
    assert unruly.requests == []


@each_kind
async def test_nobody_there_and_no_answer_are_said(kind: Any, unruly: Unruly) -> None:
    unruly.answer = unruly.not_at_all
    assert await error(feed(kind, unruly)) == "“127.0.0.1” closed the connection without an answer"
    await unruly.stop()
    assert await error(feed(kind, unruly)) == "“127.0.0.1” cannot be reached: Connection refused"
