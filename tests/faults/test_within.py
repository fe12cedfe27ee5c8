"""What goes wrong inside a web process: a mistake that ends one socket, a loop that stands still for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.faults.breaking import PLACES
from tests.faults.test_clients import figure
from tests.support.promise import promised
from tests.support.site import DATA, SERVERS, Site, site
from tests.support.viewer import Viewer


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SERVERS, "breaking", ["-m", "daphne", "-p", "{port}", "tests.faults.breaking:application"])
        with site(tmp_path_factory.mktemp("fragile"), "breaking") as it:
            yield it


async def market(it: Site, count: int) -> list[Viewer]:
    """Returns so many viewers who have data."""
    found = [Viewer(it.url, dashboard="market") for _ in range(count)]
    for viewer in found:
        await viewer.open()
    for viewer in found:
        await viewer.until(lambda viewer=viewer: viewer.data_frames > 5)
    return found


def assert_untouched(viewer: Viewer) -> None:
    (books,) = viewer.books.values()
    viewer.assert_right()
    assert (viewer.errors, viewer.byes, viewer.close_code) == ([], [], None)
    with promised():
        assert (books.gaps, books.snaps) == ([], 1)
        assert books.covered == books.published == books.seq - books.begins


@pytest.mark.parametrize("place", PLACES)
async def test_f11_a_mistake_in_the_midst_of_a_stream(fragile: Site, place: str) -> None:
    """That viewer is told and sent away within two seconds, the others notice nothing.

    Fails where the exception leaves the socket without a reader (it stays open and mute: `receive`), without a word
    (1006 or no `bye`: `consumer`), or ends the hub's round for everybody (`frames`).
    """
    broken, *others = await market(fragile, 4)
    began = time.monotonic()
    await broken.send({"t": "ping", "id": 1, "break": place})
    await broken.until(lambda: broken.close_code is not None)
    print(f"{place}: ended after {broken.closed_at - began:.2f} s with {broken.close_code}")
    assert broken.closed_at - began <= 2
    assert [bye["code"] for bye in broken.byes] == [broken.close_code] == [4004]
    assert broken.byes[0]["resume"] is True
    for viewer in others:
        frames = viewer.data_frames
        await viewer.until(lambda viewer=viewer, frames=frames: viewer.data_frames > frames + 10)
        assert_untouched(viewer)
        await viewer.close()
    await broken.open()
    await broken.until(lambda: len(broken.subd) == 2)
    assert broken.subd[-1]["sources"][0]["recovered"] is True
    broken.assert_right()
    await broken.close()
    # Whoever runs the site can read what it was, and that is all there is to read.
    assert "Mistake" in fragile.log.read_text()


BLOCK_SECONDS = 3.0
BLOCKING = """
config = {"word": "%s", "seconds": %f}
DataSource.objects.create(name="Blocking", slug="blocking", kind="blocking", config=config)
"""


async def test_f13_an_event_loop_that_stands_still(tmp_path: Path) -> None:
    """Three seconds in which nothing runs: nobody is cut off, it is said, and soon everything is new again.

    Fails when deadlines are shorter than such a block (sockets are closed), when what piled up is sent tick by tick
    (it stays late), and without `Tasks.watch` (neither the figure nor the line in the log).
    """
    word = tmp_path / "block"
    data: Any = DATA + BLOCKING % (word, BLOCK_SECONDS)
    with site(tmp_path, data=data, TICKWALL_EXTRA_KINDS="tests.faults.blocking") as it:
        viewers = await market(it, 20)
        assert await asyncio.to_thread(figure, it, "tickwall_stalls_total") == 0
        began = time.monotonic()
        word.touch()
        await viewers[0].until(lambda: not word.exists())
        ended = time.monotonic()
        assert ended - began >= BLOCK_SECONDS
        for viewer in viewers:
            viewer.ages.clear()
        for viewer in viewers:
            # The first frames bring what happened meanwhile.
            await viewer.until(lambda viewer=viewer: viewer.ages and viewer.ages[-1] <= 500)
        took = time.monotonic() - ended
        for viewer in viewers:
            viewer.ages.clear()
        for viewer in viewers:
            await viewer.until(lambda viewer=viewer: len(viewer.ages) >= 20)
        median = np.median([age for viewer in viewers for age in viewer.ages])
        print(f"new again {took:.2f} s after a block of {ended - began:.1f} s, then {median:.0f} ms old")
        assert took <= 2
        assert median <= 500
        for viewer in viewers:
            assert_untouched(viewer)
            await viewer.close()
        assert await asyncio.to_thread(figure, it, "tickwall_stalls_total") == 1
        assert await asyncio.to_thread(figure, it, "tickwall_longest_stall_seconds") >= BLOCK_SECONDS - 0.5
        assert "the event loop stood still for" in it.log.read_text()
