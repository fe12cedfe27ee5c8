"""The words of the protocol, one by one, over a real socket; and everything that is not one of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.support.site import Site
from tests.support.viewer import SUBPROTOCOL, Viewer

HELLO = json.dumps({"t": "hello", "v": 1, "build": "x", "ticket": None})


@contextlib.asynccontextmanager
async def raw(site: Site, *, origin: str | None = None, subprotocol: bool = True) -> AsyncIterator[ClientConnection]:
    async with connect(
        site.url.replace("http", "ws") + "/ws/live/",
        origin=site.url if origin is None else origin,  # type: ignore[arg-type]
        subprotocols=[SUBPROTOCOL] if subprotocol else None,  # type: ignore[list-item]
        compression=None,
        max_size=None,
    ) as socket:
        yield socket


async def read(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    """Returns the next message of one of these kinds."""
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), 5))
        if message["t"] in kinds:
            return message


async def closed_with(socket: ClientConnection) -> tuple[dict[str, Any], int | None]:
    """Reads up to the close and returns the bye and the close code."""
    bye = await read(socket, "bye")
    await asyncio.wait_for(socket.wait_closed(), 5)
    return bye, socket.close_code


async def test_hello_tells_the_limits(shared_site: Site) -> None:
    async with raw(shared_site) as socket:
        await socket.send(HELLO)
        hello = await read(socket, "hello")
    assert hello["v"] == 1
    assert hello["hb"] == 2
    assert hello["lim"] == {"frame": 16384, "rate": 20, "subs": 64, "bytes": 262144, "frames": 64}
    assert abs(hello["now"] / 1000 - __import__("time").time()) < 5


async def test_a_socket_that_says_nothing_is_closed(shared_site: Site) -> None:
    async with raw(shared_site) as socket:
        bye, code = await closed_with(socket)
    assert bye["code"] == code == 4502


async def test_without_the_subprotocol_the_reason_is_said(shared_site: Site) -> None:
    async with raw(shared_site, subprotocol=False) as socket:
        bye, code = await closed_with(socket)
    assert bye["code"] == code == 4506


async def test_another_version_of_the_protocol_is_told_to_reload(shared_site: Site) -> None:
    async with raw(shared_site) as socket:
        await socket.send(json.dumps({"t": "hello", "v": 2, "build": "x", "ticket": None}))
        bye, code = await closed_with(socket)
    assert bye["code"] == code == 4506


async def test_a_ticket_that_nobody_gave_is_refused(shared_site: Site) -> None:
    async with raw(shared_site) as socket:
        await socket.send(json.dumps({"t": "hello", "v": 1, "build": "x", "ticket": "made up"}))
        bye, code = await closed_with(socket)
    assert bye["code"] == code == 4503


@pytest.mark.parametrize(
    "origin", ["https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://localhost.evil.example", "null", "file://"]
)
async def test_a_foreign_origin_is_refused_before_the_accept(shared_site: Site, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with raw(shared_site, origin=origin.format(port=shared_site.port)):
            pass
    assert refused.value.response.status_code == 403


async def test_a_missing_origin_is_refused(shared_site: Site) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(shared_site.url.replace("http", "ws") + "/ws/live/"):
            pass
    assert refused.value.response.status_code == 403


NONSENSE = [
    "",
    "no json",
    "[]",
    "null",
    "{}",
    '{"t":7}',
    '{"t":"sub"}',
    '{"t":"ack"}',
    '{"t":"ack","k":"00000000"}',
    '{"t":"set","id":1,"rate":-1}',
    '{"t":"set","id":1,"rate":NaN}',
    '{"t":"set","id":1,"rate":1e400}',
    '{"t":"sub","id":1,"dashboard":"market","since":[]}',
    '{"t":"sub","id":1,"dashboard":"market","since":{"x":["a",1]}}',
    '{"t":"sub","id":1,"dashboard":"market","since":{"1":["a",-1]}}',
    '{"t":"sub","id":1,"dashboard":"market","since":{"1":["a",1e99]}}',
    '{"t":"sub","id":1,"dashboard":"market","since":{"1":"a"}}',
    '{"t":"sub","id":1,"dashboard":"market","series":[1]}',
    '{"t":"sub","id":1,"series":[]}',
    '{"t":"sub","id":1,"series":["1"]}',
    '{"t":"sub","id":1,"dashboard":"market","window":-5}',
    '{"t":"hello","v":1}',
    "[" * 10_000,
    '{"a":' * 12 + "1" + "}" * 12,
    json.dumps({"t": "ping", "id": 1, "x": "y" * 20_000}),
    b"\x00\x01\x02",
]


@pytest.mark.parametrize("text", NONSENSE, ids=[str(text)[:40] for text in NONSENSE])
async def test_nonsense_is_answered_and_three_times_ends_it(shared_site: Site, text: str | bytes) -> None:
    async with raw(shared_site) as socket:
        await socket.send(HELLO)
        await read(socket, "hello")
        if text == "":
            await socket.send(text)  # Daphne drops empty frames; the connection must live on.
            await socket.send('{"t":"ping","id":5}')
            assert (await read(socket, "pong", "err"))["t"] in ("pong", "err")
            return
        await socket.send(text)
        error = await read(socket, "err")
        assert error["code"] == "bad"
        assert len(error["msg"]) > 10
        await socket.send('{"t":"ping","id":5}')
        assert (await read(socket, "pong"))["id"] == 5, "one mistake is forgiven"
        await socket.send(text)
        await socket.send(text)
        bye, code = await closed_with(socket)
    assert bye["code"] == code == 4501
    assert 'tickwall_errors_total{code="bad"}' in await asyncio.to_thread(lambda: shared_site.get("/metrics")[1])


async def test_an_unknown_type_is_an_error_but_no_strike(shared_site: Site) -> None:
    async with raw(shared_site) as socket:
        await socket.send(HELLO)
        for number in range(5):
            await socket.send(json.dumps({"t": "later", "id": number}))
            assert (await read(socket, "err"))["id"] == number
        await socket.send('{"t":"ping","id":9}')
        assert (await read(socket, "pong"))["id"] == 9


async def test_a_flood_of_messages_ends_with_4013(shared_site: Site) -> None:
    async with raw(shared_site) as socket:
        await socket.send(HELLO)
        with contextlib.suppress(Exception):
            for number in range(200):
                await socket.send(json.dumps({"t": "ping", "id": number}))
        bye, code = await closed_with(socket)
    assert bye["code"] == code == 4013
    assert bye["retry"][0] >= 10_000


async def test_what_does_not_exist_and_what_is_forbidden_look_the_same(shared_site: Site) -> None:
    async with raw(shared_site) as socket:
        await socket.send(HELLO)
        answers = []
        secret = int(shared_site.shell("print(Series.objects.filter(source__slug='secret').first().pk)"))
        for sub in [{"dashboard": "secret"}, {"dashboard": "nothing"}, {"series": [secret]}, {"series": [10**6]}]:
            await socket.send(json.dumps({"t": "sub", "id": 3, "since": {}, **sub}))
            answers.append(await read(socket, "err"))
    assert len({json.dumps(answer) for answer in answers}) == 1
    assert answers[0]["code"] == "not_found"


async def test_a_position_that_cannot_be_is_a_marked_gap(shared_site: Site) -> None:
    head = shared_site.read_log("market").head
    epoch = shared_site.read_log("market").epoch
    for since, why in [(["other", 5], "epoch"), ([epoch, head + 10**9], "ahead")]:
        async with raw(shared_site) as socket:
            await socket.send(HELLO)
            await socket.send(json.dumps({"t": "sub", "id": 1, "dashboard": "market", "since": {"1": since}}))
            subd = await read(socket, "subd")
            assert (subd["sources"][0]["recovered"], subd["sources"][0]["why"]) == (False, why)
            gap = await read(socket, "gap", "d")
            assert (gap["t"], gap["why"], gap["a"], gap["b"]) == ("gap", why, since[1] + 1, since[1])
            assert (await read(socket, "snap", "d"))["t"] == "snap"


async def test_a_sub_by_series_gets_only_those_and_every_range(shared_site: Site) -> None:
    viewer = Viewer(shared_site.url, series=[1, 2], rate=20)
    await viewer.open()
    await viewer.until(lambda: viewer.books and viewer.books[1].published > 40)
    await viewer.until(lambda: viewer.counts["hb"] >= 1)
    await viewer.close()
    books = viewer.books[1]
    assert {series for series, _ in books.candles} == {1, 2}
    viewer.assert_right()
    log = shared_site.read_log("market", after=books.begins, until=books.seq)
    assert sum(series in (1, 2) for series, *_ in log.ticks) == books.published


async def test_a_second_subscription_is_united_with_the_first(shared_site: Site) -> None:
    viewer = Viewer(shared_site.url, series=[1], window=5)
    await viewer.open()
    await viewer.until(lambda: viewer.data_frames > 5)
    await viewer.send({"t": "sub", "id": 2, "series": [2, 3], "since": {}, "window": 5})
    await viewer.until(lambda: viewer.books[1].snaps == 2)
    await viewer.until(lambda: {1, 2, 3} <= {series for series, _ in viewer.books[1].candles})
    await viewer.send({"t": "unsub", "id": 12, "sub": 1})
    await viewer.until(lambda: viewer.counts["ok"] == 1)
    frames = viewer.data_frames
    await viewer.until(lambda: viewer.data_frames > frames + 5)
    viewer.assert_right()
    await viewer.close()


async def test_the_rate_is_kept_and_the_ranges_still_tile(shared_site: Site) -> None:
    viewer = Viewer(shared_site.url, dashboard="market", rate=2)
    await viewer.open()
    await viewer.until(lambda: viewer.data_frames >= 2)
    before = viewer.counts["d"]
    await asyncio.sleep(5)
    assert viewer.counts["d"] - before <= 10 + 3 + 1  # two a second, and one with each heartbeat
    assert viewer.counts["d"] - before >= 7
    await viewer.send({"t": "set", "id": 3, "rate": 0})
    merged = viewer.books[1].merged_rows
    await asyncio.sleep(1)
    assert viewer.books[1].merged_rows <= merged + 24, "after the switch no row is merged any more"
    viewer.assert_right()
    await viewer.close()


async def test_who_acknowledges_nothing_for_30_seconds_is_let_go(tmp_path: Any) -> None:
    from tests.support.site import site

    with site(tmp_path, TICKWALL_ACK_SECONDS="3") as it:
        viewer = Viewer(it.url, dashboard="market", acks=False)
        await viewer.open()
        await viewer.until(lambda: viewer.close_code is not None, 10)
        assert viewer.close_code == 4008
        assert viewer.byes[0]["retry"][0] >= 5000
        await viewer.close()


async def test_a_socket_to_nowhere_is_closed_without_a_traceback(shared_site: Site) -> None:
    with pytest.raises(InvalidStatus):
        async with connect(shared_site.url.replace("http", "ws") + "/ws/nothing/", origin=shared_site.url):  # type: ignore[arg-type]
            pass
    assert "Traceback" not in shared_site.log.read_text()
