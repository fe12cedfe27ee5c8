"""A server that is told to end says goodbye to everybody, and nobody loses a tick that was there."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.support.site import site
from tests.support.viewer import Viewer


async def test_sigterm_sends_everybody_away(tmp_path: Path) -> None:
    with site(tmp_path) as it:
        # Twice as many as fifty: the goodbyes then take two seconds, time enough to look at them.
        viewers = [Viewer(it.url, dashboard="market") for _ in range(100)]
        for viewer in viewers:
            await viewer.open()
        await asyncio.sleep(2)
        began = time.monotonic()
        it.signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        late = Viewer(it.url, dashboard="market")
        (code, text), _ = await asyncio.gather(asyncio.to_thread(it.get, "/readyz"), late.open())
        assert code == 503, text
        closed: list[float] = []
        for viewer in viewers:
            await viewer.until(lambda viewer=viewer: viewer.close_code is not None, 10)
            closed.append(time.monotonic() - began)
        assert await asyncio.to_thread(it.wait, 10) == 0
        assert time.monotonic() - began <= 10

        # Who comes late is turned away, with a goodbye as long as there is somebody to say it.
        assert late.data_frames == 0
        for viewer in [*viewers, *([late] if late.byes else [])]:
            (bye,) = viewer.byes
            assert bye["code"] == viewer.close_code == 4001
            assert bye["resume"] is True
            assert bye["retry"] == [250, 3500]
        for viewer in viewers:
            viewer.assert_right()
            assert viewer.errors == []
        ends = sorted(viewer.closed_at - began for viewer in viewers)
        assert ends[-1] - ends[0] >= 0.5, "they are sent away in batches"
        assert "Traceback" not in it.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_plain_runserver_says_goodbye_as_well(tmp_path: Path, number: int) -> None:
    with site(tmp_path, "runserver") as it:
        viewer = Viewer(it.url, dashboard="market")
        await viewer.open()
        await viewer.until(lambda: viewer.data_frames > 0)
        it.signal(number)
        await viewer.until(lambda: viewer.close_code is not None)
        assert [bye["code"] for bye in viewer.byes] == [viewer.close_code] == [4001]
        assert await asyncio.to_thread(it.wait, 10) == 0
        viewer.assert_right()


async def test_viewers_with_a_full_line_still_hear_goodbye(tmp_path: Path) -> None:
    with site(tmp_path) as it:
        viewer = Viewer(it.url, dashboard="market", acks=False)
        await viewer.open()
        await asyncio.sleep(6)
        it.signal(signal.SIGTERM)
        await viewer.until(lambda: viewer.close_code is not None)
        assert viewer.close_code == 4001
        assert await asyncio.to_thread(it.wait, 10) == 0
