"""Runs the single processes of a cluster, each on a port of its own, so that it can go and come back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from scripts.programs import INITDB, POSTGRES, REDIS
from tests.support.services import _other_user, free_port
from tests.support.site import ROOT, Person

START_SECONDS = 60.0


class Member:
    """One process of a cluster. `start` only begins it; `ready` waits until it does its work."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name, self.folder = name, folder
        self.environment = {**os.environ, **(environment or {})}
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._identity: dict[str, Any] = {}

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        assert not self.alive, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=ROOT, env=self.environment, stdout=log, stderr=log, **self._identity
            )

    async def ready(self, seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not await asyncio.to_thread(self._answers):
            assert self.alive, f"{self.name} has ended:\n{self.text()[-4000:]}"
            assert time.monotonic() < deadline, f"{self.name} is not ready:\n{self.text()[-4000:]}"
            await asyncio.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return self.is_ready()
        except (OSError, redis.RedisError, psycopg.Error):
            return False

    def send(self, number: int) -> None:
        """Sends a signal to the process and to those it has started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            it = psutil.Process(self.pid)
            for process in (it, *it.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    async def term(self, seconds: float = 15) -> tuple[int, float]:
        """Asks the process to end; returns its exit code and the seconds that it took."""
        began = time.monotonic()
        assert self.process is not None
        # To PostgreSQL, SIGTERM means "when the last client has gone".
        self.process.send_signal(signal.SIGINT if isinstance(self, Postgres) else signal.SIGTERM)
        while self.alive:
            assert time.monotonic() - began < seconds, f"{self.name} did not end:\n{self.text()[-4000:]}"
            await asyncio.sleep(0.02)
        return self.process.returncode, time.monotonic() - began

    def rss(self) -> int:
        """Returns the bytes of memory that the process holds."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def text(self, since: int = 0) -> str:
        """Returns what the process has logged, from a size of its log on."""
        return self.log.read_bytes()[since:].decode(errors="replace") if self.log.exists() else ""

    def remove(self) -> None:
        """Ends the process for good."""
        if self.alive:
            self.send(signal.SIGCONT)
            self.kill()


class Web(Member):
    def __init__(self, name: str, folder: Path, environment: Mapping[str, str], app: str) -> None:
        super().__init__(name, folder, environment)
        self.port, self._app = free_port(), app
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "daphne", "-p", str(self.port), self._app]

    def is_ready(self) -> bool:
        return Person(self.url).get("/readyz")[0] == 200


class Worker(Member):
    def command(self) -> Sequence[str]:
        return [sys.executable, "manage.py", "runworker", "feeds"]

    def is_ready(self) -> bool:
        return f":{self.pid} has started" in self.text()


class Redis(Member):
    """`keep` is "always" or "everysec" (an append-only file, and how often it goes to disk), or "nothing"."""

    def __init__(self, folder: Path, keep: str) -> None:
        super().__init__("redis", folder)
        self.port, self.keep = free_port(), keep
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        keep = ["--appendonly", "no"] if self.keep == "nothing" else ["--appendonly", "yes", "--appendfsync", self.keep]
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        return [str(REDIS.path()), *where, "--save", "", *keep]

    def is_ready(self) -> bool:
        with self.client() as client:
            return client.info("server")["process_id"] == self.pid

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=5, retry=Retry(NoBackoff(), 0))


class Postgres(Member):
    """Does not wait for the disk: a killed process loses nothing, only a killed machine would."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__("postgres", folder)
        self.port, self.options = free_port(), options
        self.url = f"postgres://tickwall@127.0.0.1:{self.port}/postgres"
        self._identity = _other_user() if os.geteuid() == 0 else {}
        # Not in the tests' folder, which is closed to the user as whom PostgreSQL runs.
        self.data = Path(tempfile.mkdtemp(prefix="tickwall-postgres-"))
        if self._identity:
            os.chown(self.data, self._identity["user"], self._identity["group"])
        made = subprocess.run(
            [INITDB.path(), "-D", self.data, "-U", "tickwall", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            cwd=self.data,
            capture_output=True,
            check=False,
            **self._identity,
        )
        assert made.returncode == 0, made.stderr.decode()

    def command(self) -> Sequence[str]:
        options = ["listen_addresses=127.0.0.1", f"unix_socket_directories={self.data}", "fsync=off", *self.options]
        port = ["-p", str(self.port)]
        return [str(POSTGRES.path()), "-D", str(self.data), *port, *(part for o in options for part in ("-c", o))]

    def is_ready(self) -> bool:
        with self.connection():
            return True

    def connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True, connect_timeout=5)

    def remove(self) -> None:
        super().remove()
        shutil.rmtree(self.data, ignore_errors=True)
