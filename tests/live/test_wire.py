"""Frames take the short way on the servers that we know, and viewers cannot tell.

These tests fail when a new version of a server no longer looks as it did. The site then still works, the ordinary way;
what has to be done is to read the new version and to teach `dashboard/live/wire.py` how to find its transport.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.support.site import Site, site
from tests.support.viewer import Viewer


def ways(it: Site, figure: str = "sockets") -> dict[str, int]:
    text = it.get("/metrics")[1]
    found = re.findall(rf'tickwall_{figure}_total\{{way="(\w+)"\}} (\S+)', text)
    return {way: int(float(count)) for way, count in found}


@pytest.mark.parametrize(("server", "way"), [("daphne", "daphne"), ("runserver", "daphne"), ("uvicorn", "uvicorn")])
async def test_the_short_way_is_found(tmp_path: Path, server: str, way: str) -> None:
    with site(tmp_path, server) as it:
        viewer = Viewer(it.url, dashboard="market")
        await viewer.open()
        await viewer.until(lambda: viewer.data_frames > 40)
        assert ways(it) == {way: 1}
        # Two acknowledgements at least, one for every sixteen frames.
        assert ways(it, "acks_overheard").get(way, 0) >= (2 if way == "daphne" else 0)
        viewer.assert_right()
        await viewer.close()


async def test_an_acknowledgement_may_come_in_pieces_in_company_or_within_a_message(tmp_path: Path) -> None:
    """What is not one whole frame is the server's to put together, and nothing of it is taken twice or lost."""
    with site(tmp_path) as it:
        viewer = Viewer(it.url, dashboard="market", acks=False)
        await viewer.open()
        await viewer.until(lambda: viewer.data_frames > 16)
        assert viewer.socket is not None
        transport = viewer.socket.transport

        def masked(text: str, first: int = 0x81) -> bytes:
            return bytes((first, 0x80 + len(text))) + bytes(4) + text.encode()

        ping = '{"t":"ping","id":%d}'
        ack = masked(f'{{"t":"ack","k":"{viewer.unacked[4][0]}"}}')
        before = ways(it, "acks_overheard").get("daphne", 0)
        for piece in (ack[:1], ack[1:5], ack[5:], ack + masked(ping % 1), masked(ping % 2)[:9]):
            transport.write(piece)
            await asyncio.sleep(0.1)
        transport.write(masked(ping % 2)[9:] + ack)
        # A control frame may stand between the pieces of a message, another message may not.
        for piece in (masked('{"t":"ping",', 0x01), masked("x", 0x89), masked('"id":3}', 0x80)):
            transport.write(piece)
            await asyncio.sleep(0.1)
        await viewer.until(lambda: viewer.counts["pong"] == 3)
        assert ways(it, "acks_overheard").get("daphne", 0) == before
        transport.write(ack)
        await viewer.until(lambda: ways(it, "acks_overheard").get("daphne", 0) == before + 1)
        assert (viewer.errors, viewer.close_code) == ([], None)
        viewer.assert_right()

        # Within a message that has begun, it is a mistake, and the server says so.
        transport.write(masked('{"t":"ping",', 0x01))
        await asyncio.sleep(0.1)
        transport.write(ack)
        await viewer.until(lambda: viewer.close_code is not None)
        assert ways(it, "acks_overheard").get("daphne", 0) == before + 1


async def test_a_viewer_who_does_not_read_gets_everything_in_order_once_he_does(tmp_path: Path) -> None:
    """His line fills up, so that part of a frame waits in the server while pings and answers go the ordinary way."""
    with site(tmp_path, TICKWALL_CREDIT_BYTES="16000000", TICKWALL_CREDIT_FRAMES="10000") as it:
        viewer = Viewer(it.url, dashboard="market", rate=0, acks=False)
        await viewer.open()
        await viewer.until(lambda: viewer.data_frames > 5)
        assert viewer.socket is not None
        viewer.socket.transport.pause_reading()
        for _ in range(10):
            await asyncio.sleep(0.5)
            await viewer.send({"t": "ping", "id": viewer.request()})
        viewer.socket.transport.resume_reading()
        head = it.read_log("market").head
        await viewer.until(lambda: viewer.books[1].seq >= head)
        await viewer.until(lambda: viewer.counts["pong"] == 10)
        viewer.assert_right()
        await viewer.close()
