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


def ways(it: Site) -> dict[str, int]:
    text = it.get("/metrics")[1]
    return {way: int(float(count)) for way, count in re.findall(r'tickwall_sockets_total\{way="(\w+)"\} (\S+)', text)}


@pytest.mark.parametrize(("server", "way"), [("daphne", "daphne"), ("runserver", "daphne"), ("uvicorn", "uvicorn")])
async def test_the_short_way_is_found(tmp_path: Path, server: str, way: str) -> None:
    with site(tmp_path, server) as it:
        viewer = Viewer(it.url, dashboard="market")
        await viewer.open()
        await viewer.until(lambda: viewer.data_frames > 20)
        assert ways(it) == {way: 1}
        viewer.assert_right()
        await viewer.close()


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
