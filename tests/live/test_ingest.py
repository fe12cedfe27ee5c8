"""Tests that ticks which are sent in come into the log of a running site, whatever happens to its worker."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.site import Site, site

DATA = """
source = DataSource.objects.create(name="Push", slug="push", kind="webhook", config={"new_series": True})
"""


@pytest.fixture
def pushed(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path, data=DATA) as it:
        yield it


def test_a_body_without_end_takes_no_memory(pushed: Site) -> None:
    size, before = 64 << 20, pushed.rss()
    for path, status in (("/api/v1/ingest/push", b"413"), ("/accounts/login/", b"403")):
        with socket.create_connection(("127.0.0.1", pushed.port), 20) as line:
            line.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n".encode())
            for _ in range(size >> 20):
                line.sendall(b" " * (1 << 20))
            assert line.recv(100).split()[1] == status
    assert pushed.rss() - before < 16 << 20


@pytest.fixture
def grown(tmp_path: Path, redis_url: str) -> Iterator[Site]:
    with site(tmp_path, data=DATA, REDIS_URL=redis_url, TICKWALL_REDIS_PREFIX=tmp_path.name) as it:
        yield it


class Sender:
    """Sends numbers, 1, 2, 3 …, and knows which of them were taken."""

    def __init__(self, it: Site) -> None:
        self.it = it
        self.token = it.manage("token", "add", "sender", "--scope", "ingest", "--source", "push").split()[-1]
        self.reader = it.manage("token", "add", "reader", "--scope", "admin").split()[-1]
        self.taken: list[float] = []

    def send(self, number: int) -> int:
        """Sends the next so many numbers in one request and returns the status of the answer."""
        values = [float(len(self.taken) + place) for place in range(1, number + 1)]
        request = urllib.request.Request(
            f"{self.it.url}/api/v1/ingest/push",
            json.dumps({"keys": ["n"] * number, "values": values}).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert json.loads(answer.read()) == {"taken": number}
                self.taken += values
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def logged(self) -> list[float]:
        headers = {"Authorization": f"Bearer {self.reader}"}
        status, text = self.it.get("/api/v1/sources/push/ticks?limit=10000", **headers)
        assert status == 200, text
        return [float(value) for value in json.loads(text)["rows"]["v"]]

    def wait(self, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while self.logged() != self.taken:
            assert time.monotonic() < end, (len(self.logged()), len(self.taken))
            time.sleep(0.1)


def test_what_is_sent_in_is_in_the_log(pushed: Site) -> None:
    sender = Sender(pushed)
    assert [sender.send(number) for number in (1, 500, 3)] == [202] * 3
    assert sender.send(1001) == 413
    sender.wait()


def test_what_was_taken_outlives_the_worker(grown: Site) -> None:
    sender = Sender(grown)
    assert sender.send(10) == 202
    sender.wait()
    assert grown.worker is not None
    grown.worker.terminate()
    assert grown.worker.wait(15) == 0
    assert [sender.send(100) for _ in range(20)] == [202] * 20
    grown.worker = grown.spawn("manage.py", "runworker", "feeds")
    sender.wait()
    # Stopped while ticks keep coming: none is lost, none comes twice.
    for _ in range(20):
        assert sender.send(100) == 202
    grown.worker.terminate()
    for _ in range(20):
        assert sender.send(100) == 202
    assert grown.worker.wait(15) == 0
    grown.worker = grown.spawn("manage.py", "runworker", "feeds")
    sender.wait()
