"""A site ticks by itself, whatever server runs it, though no page was ever opened."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from tests.support import site as sites
from tests.support.site import SERVERS, site
from tests.support.viewer import Viewer


@pytest.mark.parametrize("server", SERVERS)
async def test_the_first_tick_comes_within_two_seconds_of_health(tmp_path: Path, server: str) -> None:
    with site(tmp_path, server) as it:
        healthy = time.monotonic()
        viewer = Viewer(it.url, dashboard="market")
        await viewer.open()
        await viewer.until(lambda: viewer.first_data is not None, 2)
        assert viewer.first_data is not None
        assert viewer.first_data - healthy <= 2
        await viewer.close()

        assert json.loads(it.get("/healthz")[1])["ok"] is True
        assert it.get("/readyz")[0] == 200
        await asyncio.sleep(1)
        host = it.read_log("host")
        assert host.ticks, "this machine's own metrics tick as well"
        it.stop()
        assert "Traceback" not in it.log.read_text()
        assert "Warning" not in it.log.read_text()


async def test_a_server_that_was_killed_is_no_silent_loss(tmp_path: Path) -> None:
    """In one process the log is gone, which is a gap with its cause; on Redis it is there, and nothing is missing."""
    with site(tmp_path) as it:
        viewer = Viewer(it.url, dashboard="market")
        await viewer.open()
        await viewer.until(lambda: viewer.data_frames > 5)
        epoch = viewer.books[1].epoch
        assert it.process is not None
        it.process.kill()
        it.wait()
        await viewer.until(lambda: viewer.close_code is not None)
        it.start()

        await viewer.open()
        frames = viewer.data_frames
        await viewer.until(lambda: viewer.data_frames > frames + 5)
        (source,) = viewer.subd[-1]["sources"]
        if sites.ENGINES:
            assert (source["recovered"], source["why"]) == (True, None)
            assert viewer.books[1].gaps == []
        else:
            assert (source["recovered"], source["why"]) == (False, "epoch")
            assert [gap["why"] for gap in viewer.books[1].gaps] == ["epoch"]
        assert (viewer.books[1].epoch == epoch) is bool(sites.ENGINES)
        viewer.assert_right()
        await viewer.close()
