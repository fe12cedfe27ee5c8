"""Holds a grown site as deploy/ describes it: two web processes, one worker and Redis, behind nginx."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.exceptions import InvalidStatus

from tests.support import units
from tests.support.promise import promised
from tests.support.proxy import Proxy, ask, proxy
from tests.support.services import free_port, redis_server
from tests.support.site import SERVERS, Site, site
from tests.support.viewer import Viewer


@dataclass
class Rig:
    """A site as the units start it, behind nginx."""

    site: Site
    second: subprocess.Popen[bytes]
    second_port: int
    proxy: Proxy
    trust: ssl.SSLContext

    def viewer(self, **options: Any) -> Viewer:
        return Viewer(self.proxy.url, dashboard="market", rate=10, tls=self.trust, **options)

    def start_second(self) -> None:
        """Starts the second web process, again after it was stopped or killed."""
        self.second = self.site.spawn("-m", *units.daphne(self.second_port))
        wait_until_ready(self.second_port)

    def sockets(self) -> list[int]:
        """Returns how many connections nginx has to each of the two web processes."""
        counts = []
        for process, port in ((self.site.process, self.site.port), (self.second, self.second_port)):
            assert process is not None
            lines = psutil.Process(process.pid).net_connections("tcp")
            counts.append(sum(line.status == "ESTABLISHED" and line.laddr.port == port for line in lines))
        return counts


def wait_until_ready(port: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if ask(f"http://127.0.0.1:{port}/readyz").status == 200:
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, "the web process did not come up"
        time.sleep(0.05)


# Sockets that each web process of the rig takes from one address.
PER_ADDRESS = 12


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Rig]:
    """Yields the rig, with the environment of deploy/env.example and, perhaps, some settings of the test's own."""
    with pytest.MonkeyPatch.context() as patch, redis_server() as redis:
        patch.setitem(SERVERS, "unit", ["-m", *units.daphne("{port}")])
        environment = units.example_environment() | {
            "REDIS_URL": redis,
            "TICKWALL_SOCKETS_PER_ADDRESS": str(PER_ADDRESS),
            **settings,
        }
        with site(folder, "unit", **environment) as it:
            units.collect_static(it, folder / "var" / "static")
            port = free_port()
            second = it.spawn("-m", *units.daphne(port))
            with proxy(folder / "nginx", (it.port, port), folder / "var") as front:
                rig = Rig(it, second, port, front, front.certificate.trust())
                try:
                    wait_until_ready(port)
                    yield rig
                finally:
                    rig.second.terminate()
                    rig.second.wait(15)


@asynccontextmanager
async def viewers(rig: Rig, count: int) -> AsyncIterator[list[Viewer]]:
    """Yields viewers over wss:// who have data, and closes them."""
    found = [rig.viewer() for _ in range(count)]
    try:
        for viewer in found:
            await viewer.open()
        for viewer in found:
            await viewer.until(lambda viewer=viewer: viewer.data_frames > 2)
        yield found
    finally:
        for viewer in found:
            await viewer.close()


async def come_back(viewer: Viewer, seconds: float = 10) -> None:
    """Does what a page does whose socket is gone: it tries again, and says where it was."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            await viewer.open()
            return
        except (OSError, InvalidStatus):
            assert time.monotonic() < deadline, "the site did not take the viewer back"
            await asyncio.sleep(0.1)


async def assert_complete(rig: Rig, viewer: Viewer) -> None:
    """The ledger is clean, and every tick up to the viewer's position is in it, by the log's own account."""
    viewer.assert_right()
    assert viewer.errors == []
    (books,) = viewer.books.values()
    epoch, begins, seq, covered, published = books.epoch, books.begins, books.seq, books.covered, books.published
    with promised():
        assert books.gaps == [], "nothing was lost"
        assert covered == published == seq - begins
    copy = await asyncio.to_thread(rig.site.read_log, "market", begins, seq)
    with promised():
        assert (copy.epoch, copy.seqs) == (epoch, list(range(begins + 1, seq + 1)))
