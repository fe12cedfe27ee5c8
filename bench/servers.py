"""Starts what is compared, each as a process of its own: the site in its several sizes, and its peers."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from tests.support import site as sites
from tests.support.services import free_port
from tests.support.site import ROOT, Site

START_SECONDS = 30.0
NODE = ROOT / ".venv" / "bin" / "node"
PEERS = Path(__file__).parent / "peers"

sites.SERVERS |= {
    "daphne, ASGI send": ["-m", "daphne", "-p", "{port}", "bench.plain:application"],
    "uvicorn, ASGI send": ["-m", "uvicorn", "--port", "{port}", "--log-level", "warning", "bench.plain:application"],
}


@dataclass(frozen=True)
class Scene:
    """What a site shows: `sources` of the kind `pulse`, which share the series, on `boards` dashboards.

    Several dashboards look at different series: each at `width` of them, beginning one further on. All series
    together tick `ticks` times every `step` seconds. There is a silent source as well, on the dashboard `silent`.
    """

    series: int = 100
    sources: int = 1
    boards: int = 1
    width: int = 0
    ticks: int = 50
    step: float = 0.05

    @property
    def names(self) -> list[str]:
        return [f"board-{number}" for number in range(self.boards)]

    def code(self) -> str:
        return f"scene = {vars(self)!r}\n" + _SCENE


_SCENE = """
def source(slug, series, ticks, step):
    row = DataSource.objects.create(
        name=slug, slug=slug, kind="pulse", config={"series": series, "ticks": ticks, "step": step},
        max_series=max(series, 1000),
    )
    return [Series.objects.create(source=row, key=f"s{n}", label=f"s{n}", decimals=2) for n in range(series)]

def board(slug, rows):
    dashboard = Dashboard.objects.create(title=slug, slug=slug, visibility="public")
    panel = Panel.objects.create(dashboard=dashboard, kind="watchlist", title=slug)
    PanelSeries.objects.bulk_create(PanelSeries(panel=panel, series=row, position=n) for n, row in enumerate(rows))

rows = []
count = scene["sources"]
for number in range(count):
    # Sources of the same period, each with its share.
    rows += source(f"pulse-{number}", scene["series"] // count, max(scene["ticks"] // count, 1), scene["step"])
width = scene["width"] or len(rows)
for number in range(scene["boards"]):
    board(f"board-{number}", rows[number : number + width])
board("silent", source("silent", 1, 0, 1.0))
"""


class Process:
    """One server program that is measured."""

    def __init__(self, process: subprocess.Popen[Any], port: int) -> None:
        self.process, self.port = process, port
        self._seen = psutil.Process(process.pid)

    def cpu(self) -> float:
        """Returns the seconds of user and system time that it has used."""
        times = self._seen.cpu_times()
        return float(times.user + times.system)

    def rss(self) -> int:
        return int(self._seen.memory_info().rss)


@dataclass(frozen=True)
class Ours:
    """The site on one of `tests.support.site.SERVERS`; with `redis` its worker is a process of its own."""

    name: str
    server: str = "daphne"
    scene: Scene = Scene()
    redis: str = ""

    @contextmanager
    def run(self) -> Iterator[Process]:
        with self.site() as it:
            assert it.process is not None
            yield Process(it.process, it.port)

    @contextmanager
    def site(self) -> Iterator[Site]:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(_template(self.scene), folder, dirs_exist_ok=True)
            it = Site(Path(folder), self.server, **_environment(self.redis))
            it.start()
            try:
                yield it
            finally:
                # Nobody is there who had to hear goodbye.
                for process in (it.process, it.worker):
                    if process is not None:
                        process.kill()
                        process.wait()


def _environment(redis: str) -> dict[str, str]:
    several = {"REDIS_URL": redis, "TICKWALL_REDIS_PREFIX": f"bench-{time.monotonic_ns()}"} if redis else {}
    return {"TICKWALL_EXTRA_KINDS": "bench.pulse", "LOG_LEVEL": "INFO", **several}


@cache
def _template(scene: Scene) -> Path:
    """Makes a database with the scene in it, once in a run."""
    folder = Path(tempfile.mkdtemp(prefix="tickwall-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    it = Site(folder, **_environment(""))
    it.manage("migrate", "-v0")
    it.shell(scene.code())
    return folder


@dataclass(frozen=True)
class Peer:
    """A server of somebody else's; `{port}` in its command stands for the port."""

    name: str
    command: tuple[str, ...]
    talk: str = "plain"

    @contextmanager
    def run(self) -> Iterator[Process]:
        port = free_port()
        command = [part.format(port=port) for part in self.command]
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                _wait(process, port)
                yield Process(process, port)
            except BaseException:
                log.seek(0)
                print(log.read().decode(errors="replace")[-4000:])
                raise
            finally:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[Any], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"A peer did not start: {process.args!r}") from None
            time.sleep(0.02)


def asgi(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "daphne", "-p", "{port}", f"bench.peers.{module}:application")


def python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"bench.peers.{module}", "{port}")


def node(mode: str) -> tuple[str, ...]:
    return (str(NODE), str(PEERS / "node_ws.mjs"), "{port}", mode)


CHANNELS = Peer("Channels as its tutorial shows it, Daphne", asgi("channels_tutorial"))
NODE_TICK = Peer("Node `ws`, a frame per tick", node("tick"))
WEBSOCKETS = Peer("Python `websockets`, `broadcast` per tick", python("python_websockets"))
NODE_BATCH = Peer("Node `ws`, 50 ms batches", node("batch"))
RAW = Peer("raw sockets, 50 ms batches", python("raw_sockets"), "raw")
STREAM = Peer("server-sent events, Django, 50 ms batches", asgi("django_stream"), "stream")


def install_peers() -> None:
    """Installs the npm packages of the peers where they are not there yet."""
    folder = Path(__file__).parent
    if not (folder / "node_modules" / "ws").exists():
        subprocess.run([*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)


def npm() -> list[str]:
    """Returns the command of the npm that belongs to the Node which set-up chose."""
    found = shutil.which("npm")
    if found:
        return [found]
    wheel = NODE.resolve().parent.parent
    return [str(NODE), os.fspath(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
