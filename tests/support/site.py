"""Runs a whole site of the tests' own: a database, a real server process on a free port, and a person at its door."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
from cryptography.fernet import Fernet

from tests.support.services import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
# The same for all sites of a run, as for all processes of a site.
SECRET_KEY_OF_SOURCES = Fernet.generate_key().decode()
SERVERS = {
    "daphne": ["-m", "daphne", "-p", "{port}", "config.asgi:application"],
    "uvicorn": ["-m", "uvicorn", "--port", "{port}", "--log-level", "warning", "config.asgi:application"],
    "runserver": ["manage.py", "runserver", "127.0.0.1:{port}"],
}


@dataclass(frozen=True)
class Engines:
    """Servers that sites share: each takes a database and a prefix of its own."""

    redis: str
    postgres: str

    def environment(self) -> dict[str, str]:
        name = f"site_{secrets.token_hex(6)}"
        with psycopg.connect(self.postgres, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]  # made here, of hex digits
        database = urlsplit(self.postgres)._replace(path=f"/{name}").geturl()
        return {"REDIS_URL": self.redis, "TICKWALL_REDIS_PREFIX": name, "DATABASE_URL": database}


# Set for a run of grown sites; without it a site is one process.
ENGINES: Engines | None = None


class Site:
    """One site in a folder. `start` and `stop` may be called again and again; the database stays."""

    def __init__(self, folder: Path, server: str = "daphne", **environment: str) -> None:
        self.folder, self.server = folder, server
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
            "PYTHONWARNINGS": "default",
            "TICKWALL_SECRET_KEYS": SECRET_KEY_OF_SOURCES,
            # All viewers of a test come from one address, and many at once.
            "TICKWALL_SOCKETS_PER_ADDRESS": "0",
            "TICKWALL_SOCKETS_WAITING": "0",
            "TICKWALL_HANDSHAKES_PER_SECOND": "0",
            **(ENGINES.environment() if ENGINES else {}),
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None
        self.began = 0.0

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Runs a command of the project and returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout + ("" if check else done.stderr)

    def shell(self, code: str) -> str:
        """Runs Python in the site's Django, with the models at hand."""
        head = "from dashboard.models import *; from dashboard.models.board import PanelSeries\n"
        return self.manage("shell", "-v0", "-c", head + code)

    def start(self) -> None:
        """Starts what does not run: the server, and a worker where the site has Redis; returns when the server is
        healthy and the worker at work."""
        self.began = time.monotonic()
        if self.process is None or self.process.poll() is not None:
            self.process = self.spawn(*(part.format(port=self.port) for part in SERVERS[self.server]))
        if self.environment.get("REDIS_URL") and (self.worker is None or self.worker.poll() is not None):
            self.worker = self.spawn("manage.py", "runworker", "feeds")
        while True:
            try:
                if self.get("/healthz")[0] == 200 and (self.worker is None or self._has_started(self.worker.pid)):
                    return
            except OSError:
                pass
            time.sleep(0.02)
            if self.process.poll() is not None or time.monotonic() - self.began > START_SECONDS:
                raise AssertionError(f"the server did not come up:\n{self.log.read_text()[-4000:]}")

    def _has_started(self, process: int) -> bool:
        """Tells whether a worker has said that it has started."""
        return f":{process} has started" in self.log.read_text()

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts another Python process of this site; its output goes to the same log."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = 15) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Ends the server and its worker without a warning, as a power cut does."""
        for process in filter(None, (self.process, self.worker)):
            process.kill()
            process.wait(5)

    def stop(self) -> None:
        """Ends the server and its worker, roughly where they do not go by themselves."""
        for process in (self.process, self.worker):
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def rss(self) -> int:
        """Returns the bytes of memory that the server holds."""
        assert self.process is not None
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return Person(self.url).get(path, **headers)

    def read_log(self, slug: str, after: int = 0, until: int | None = None) -> LogCopy:
        """Reads the tick log through the API, page by page, up to `until` or the head at the time of the call."""
        copy = LogCopy()
        while True:
            status, text = self.get(f"/api/v1/sources/{slug}/ticks?after={after}&limit=10000")
            assert status == 200, text
            page = json.loads(text)
            copy.epoch, copy.oldest, copy.head = page["epoch"], page["oldest"], page["head"]
            until = page["head"] if until is None else until
            copy.take(page["rows"], until)
            if page["b"] < page["a"] or page["b"] >= until:
                return copy
            after = page["b"]


class LogCopy:
    """What the API said is in the log."""

    def __init__(self) -> None:
        self.epoch = ""
        self.oldest = self.head = 0
        self.seqs: list[int] = []
        self.ticks: list[tuple[int, int, Any, Any]] = []

    def take(self, rows: dict[str, Any], until: int) -> None:
        volumes = rows.get("q") or [None] * len(rows["s"])
        for seq, series, offset, value, volume in zip(rows["s"], rows["i"], rows["t"], rows["v"], volumes, strict=True):
            if seq <= until:
                self.seqs.append(seq)
                self.ticks.append((series, rows["t0"] + offset, value, volume))


class Person:
    """Somebody with a browser's cookies but no script."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self.url = url
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies),
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=tls),
        )

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return self._open(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, form: dict[str, Any]) -> tuple[int, str]:
        """Sends a form with its token and the site's own origin, as a page of the site does."""
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "") or ""
        body = urllib.parse.urlencode({**form, "csrfmiddlewaretoken": token}, doseq=True).encode()
        headers = {"Origin": self.url, "Referer": self.url + path}
        return self._open(urllib.request.Request(self.url + path, body, headers))

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def sign_in(self, name: str, password: str) -> Person:
        self.get("/accounts/login/")
        self.post("/accounts/login/", {"username": name, "password": password, "next": "/"})
        assert any(cookie.name == "sessionid" for cookie in self.cookies), "the login was refused"
        return self

    @property
    def cookie_header(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)}

    def form_values(self, path: str) -> dict[str, Any]:
        """Returns what a form of the admin holds, so that it can be sent back with one thing changed."""
        _, page = self.get(path)
        values: dict[str, Any] = {}
        for tag in re.findall(r"<input\b[^>]*>", page):
            field = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            if "name" in field and field.get("type") not in ("submit", "button", "file"):
                if field.get("type") == "checkbox" and "checked" not in tag:
                    continue
                values[field["name"]] = _plain(field.get("value", "on" if field.get("type") == "checkbox" else ""))
        for name, body in re.findall(r'<textarea\b[^>]*\sname="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S):
            values[name] = _plain(body).lstrip("\r\n")
        for name, body in re.findall(r'<select\b[^>]*\sname="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
            chosen = [_plain(value) for value in re.findall(r'<option value="([^"]*)"[^>]*selected', body)]
            if chosen:
                values[name] = chosen
        return {name: value for name, value in values.items() if not name.startswith("_")}


def _plain(text: str) -> str:
    import html

    return html.unescape(text)


# A market of 24 instruments that tick ten times a second, on a public dashboard; a private one beside it; a cast.
DATA = """
import json, sys
from django.contrib.auth.models import User
from dashboard.feeds import registry
from dashboard.feeds.base import SourceSpec

ana = User.objects.create_superuser("ana", password="ana likes numbers")
ben = User.objects.create_user("ben", password="ben likes numbers")
cy = User.objects.create_user("cy", password="cy likes numbers")

def make(slug, kind, config, visibility="public", **fields):
    source = DataSource.objects.create(name=slug.title(), slug=slug, kind=kind, config=config, **fields)
    feed_class = registry.kind(kind)
    board = Dashboard.objects.create(title=slug.title(), slug=slug, visibility=visibility, owner=ana)
    panel = Panel.objects.create(dashboard=board, kind="watchlist", title=slug.title())
    for position, spec in enumerate(feed_class(feed_class.Config.model_validate(config)).series()):
        row = Series.objects.create(
            source=source, key=spec.key, label=spec.label, unit=spec.unit, decimals=spec.decimals, text=spec.text
        )
        PanelSeries.objects.create(panel=panel, series=row, position=position)
    return source

make("market", "simulated", {"symbols": 24, "rate": 10, "seed": 7})
make("secret", "simulated", {"symbols": 2, "rate": 1, "seed": 8}, visibility="private")
make("members", "simulated", {"symbols": 2, "rate": 1, "seed": 9}, visibility="signed-in")
make("host", "host", {"interval": 0.5}, cadence=0.5)
"""


@contextmanager
def site(folder: Path, server: str = "daphne", *, data: str = DATA, **environment: str) -> Iterator[Site]:
    """Yields a running site with the data; shows the end of its log when the test fails."""
    it = Site(folder, server, **environment)
    it.manage("migrate", "-v0")
    if data:
        it.shell(data)
    it.start()
    try:
        yield it
    except BaseException:
        print(it.log.read_text()[-6000:])
        raise
    finally:
        it.stop()
