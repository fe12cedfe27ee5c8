"""Runs servers of the tests' own, on free ports, with their files in a folder that goes away with them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from scripts.programs import INITDB, MOSQUITTO, POSTGRES, REDIS

START_SECONDS = 30.0
STOP_SECONDS = 10.0
# A free port may be taken by somebody else before the server has it.
ATTEMPTS = 3


class ServerFailed(Exception):
    """A server did not start, or did not stop; the text ends with its log."""


def free_port() -> int:
    """Returns a TCP port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def redis_server(fixed: int | None = None) -> Iterator[str]:
    """Runs a Redis that keeps nothing on disk and yields its URL; on a `fixed` port it can be there again."""
    program = REDIS.path()
    with _folder() as folder:

        def command(port: int) -> list[str]:
            return [
                str(program),
                "--port",
                str(fixed or port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ]

        def ready(port: int, process: int) -> None:
            with redis.Redis(port=fixed or port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
                if client.info("server")["process_id"] != process:
                    raise ServerFailed(f"port {port} was taken by another Redis")

        with _server(command, ready, folder) as port:
            yield f"redis://127.0.0.1:{fixed or port}/0"


@contextmanager
def mosquitto(port: int | None = None, **options: str) -> Iterator[int]:
    """Runs a broker of MQTT that keeps nothing on disk and yields its port; `options` are lines of its configuration.

    On a `port` of one's own it is there again, as the same one, after it was stopped.
    """
    program = MOSQUITTO.path()
    with _folder() as folder:
        lines = {"allow_anonymous": "true", "persistence": "false", **options}
        # It would give up being root, and then not read its own configuration.
        text = "".join(
            f"{name} {value}\n" for name, value in {"user": pwd.getpwuid(os.geteuid()).pw_name, **lines}.items()
        )

        def command(free: int) -> list[str]:
            (folder / "mosquitto.conf").write_text(f"listener {port or free} 127.0.0.1\n{text}")
            return [str(program), "-c", str(folder / "mosquitto.conf")]

        def ready(free: int, process: int) -> None:
            socket.create_connection(("127.0.0.1", port or free), 1).close()

        with _server(command, ready, folder) as free:
            yield port or free


@contextmanager
def postgres_server() -> Iterator[str]:
    """Runs a PostgreSQL with an empty database `tickwall` and yields its URL.

    PostgreSQL refuses to run as root, so it runs as `postgres` or `nobody` then. It does not wait for the disk: what
    it holds is gone after the test anyway.
    """
    server, initdb = POSTGRES.path(), INITDB.path()
    identity = _other_user() if os.geteuid() == 0 else {}
    with _folder(**identity) as folder:
        data = folder / "data"
        made = subprocess.run(
            [initdb, "-D", data, "-U", "tickwall", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            **identity,
        )
        if made.returncode:
            raise ServerFailed(f"initdb failed:\n{made.stdout}{made.stderr}")

        def command(port: int) -> list[str]:
            options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
            return [str(server), "-D", str(data), *(f"--{name}={value}" for name, value in options.items())]

        def ready(port: int, process: int) -> None:
            with psycopg.connect(_postgres_url(port, "postgres"), autocommit=True, connect_timeout=2) as connection:
                if connection.execute("SHOW data_directory").fetchone() != (str(data),):
                    raise ServerFailed(f"port {port} was taken by another PostgreSQL")
                connection.execute("CREATE DATABASE tickwall")

        with _server(command, ready, folder, **identity) as port:
            yield _postgres_url(port, "tickwall")


def _postgres_url(port: int, database: str) -> str:
    return f"postgres://tickwall@127.0.0.1:{port}/{database}"


def _other_user() -> dict[str, Any]:
    """Returns the arguments that make subprocess run a program as somebody who is not root."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise ServerFailed("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


@contextmanager
def _folder(user: int | None = None, group: int | None = None, **_: object) -> Iterator[Path]:
    """Makes a folder for a server, that of the user who runs it, and removes it at the end.

    Directly under the system's folder for such things, because pytest's own are closed to other users.
    """
    folder = Path(tempfile.mkdtemp(prefix="tickwall-server-"))
    if user is not None and group is not None:
        os.chown(folder, user, group)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server(
    command: Callable[[int], Sequence[str]], ready: Callable[[int, int], None], folder: Path, **identity: Any
) -> Iterator[int]:
    """Starts a server, waits until `ready(port, process id)` raises nothing, yields its port, and stops it."""
    log = folder / "log"
    for attempt in range(1, ATTEMPTS + 1):
        port = free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command(port), cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **identity
            )
        try:
            _wait(process, lambda port=port, process=process: ready(port, process.pid), log)
            break
        except BaseException as problem:
            process.kill()
            process.wait(STOP_SECONDS)
            if attempt == ATTEMPTS or not isinstance(problem, ServerFailed):
                raise
    try:
        yield port
    finally:
        _stop(process, log)


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], None], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return ready()
        except (redis.RedisError, psycopg.Error, OSError) as problem:
            if process.poll() is not None or time.monotonic() > deadline:
                state = f"exited with {process.returncode}" if process.poll() is not None else "does not answer"
                raise ServerFailed(_words(process, state, log)) from problem
            time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    # To PostgreSQL SIGTERM means "when the last client has gone", SIGINT means now.
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
        raise ServerFailed(_words(process, f"did not stop within {STOP_SECONDS:g} s", log)) from None


def _words(process: subprocess.Popen[bytes], state: str, log: Path) -> str:
    name = Path(str(process.args[0])).name  # type: ignore[index]
    return f"{name} {state}; its log:\n{log.read_text(errors='replace')[-4000:]}"
