"""A second web process without Redis does not stay unnoticed: the log, the check and staff hear of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.support.rig import wait_until_ready
from tests.support.services import free_port
from tests.support.site import Site, site

# Two beats, and time for a machine that is busy.
SECONDS = 12.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def check(it: Site) -> str:
    return it.manage("check", "--database", "default", check=False)


def test_a_second_process_without_redis(tmp_path: Path) -> None:
    with site(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path / 'alone.sqlite3'}", REDIS_URL="") as it:
        time.sleep(4)  # a beat has come
        assert "tickwall.W002" not in check(it)
        port = free_port()
        second = it.spawn("-m", "daphne", "-p", str(port), "config.asgi:application")
        try:
            wait_until_ready(port)
            until(lambda: it.log.read_text().count("ERROR config.presence 2 web processes run on one database") == 2)
            said = check(it)
            assert "tickwall.W002" in said
            assert "Set the same REDIS_URL" in said
        finally:
            second.terminate()
            assert second.wait(15) == 0
        until(lambda: "the web processes no longer contradict each other" in it.log.read_text())
        assert "tickwall.W002" not in check(it)

        # Killed and started again: one followed the other, and nothing is wrong.
        seen = it.log.read_text().count("ERROR config.presence")
        assert it.process is not None
        it.process.kill()
        it.wait()
        it.start()
        time.sleep(4)
        assert it.log.read_text().count("ERROR config.presence") == seen
        assert "tickwall.W002" not in check(it)
