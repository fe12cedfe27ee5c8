"""A password that a source was given is found nowhere but where it was meant to go (F56).

Breaks when a secret is left in the config, when an error passes on what a server sent back, or when anything prints it.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.promise import promised
from tests.support.site import Person, Site, site

PASSWORD, USER = "planted: correct/horse", "planted-user"
TRACE = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Parrot(BaseHTTPRequestHandler):
    """Refuses everybody, and says aloud who came with what."""

    heard: list[str]

    def do_GET(self) -> None:
        said = self.headers.get("Authorization", "")
        self.heard.append(said)
        body = f"{said} {base64.b64decode(said.partition(' ')[2] or '').decode()} is wrong".encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def parrot() -> Iterator[tuple[str, list[str]]]:
    heard: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Parrot", (Parrot,), {"heard": heard}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()
    server.server_close()


def down(it: Site) -> bool:
    return "down" in it.manage("source", "list")


def everything(it: Site, ana: Person, path: str) -> dict[str, str]:
    """Returns all that a site shows, keeps and says, by where it was found."""
    found = {
        page: ana.get(page)[1] for page in (path, f"{path}../history/", "/admin/dashboard/datasource/", "/nowhere")
    }
    found |= {page: ana.get(page)[1] for page in ("/", "/api/v1/sources", "/api/v1/openapi.json", "/metrics")}
    found |= {
        command: it.manage(*command.split())
        for command in ("source show lock", "source export", "source export --format json", "source list", "dumpdata")
    }
    found["the log"] = it.log.read_text()
    for file in Path(it.folder).glob("site.sqlite3*"):
        found[file.name] = file.read_bytes().decode("latin-1")
    return found


def test_f56_a_planted_password_is_found_nowhere(tmp_path: Path, parrot: tuple[str, list[str]]) -> None:
    url, heard = parrot
    with site(tmp_path, TICKWALL_SOURCE_ALLOW_PRIVATE="127.0.0.0/8") as it:
        ana = Person(it.url).sign_in("ana", "ana likes numbers")
        add = "/admin/dashboard/datasource/add/"
        typed = {"name": "Lock", "slug": "lock", "kind": "http", "config.url": url, "config.interval": "0.5"}
        secret = {"config.auth": '"basic"', "config.username": USER, "config.password": PASSWORD}
        form = {**ana.form_values(add + "?kind=http"), **typed, **secret}
        tried = ana.post(add, {**form, "_test": "1"})[1]
        assert "Test failed." in tried
        wrong = ana.post(add, {**form, "config.interval": "0"})[1]
        saved = ana.post(add, form)[1]
        assert "was added successfully" in saved, saved
        deadline = time.monotonic() + 60
        while not (down(it) and len(heard) > 1) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert set(heard) == {f"Basic {TRACE}"}, "the feed itself has it"
        number = it.shell("print(DataSource.objects.get(slug='lock').pk)").strip()
        found = everything(it, ana, f"/admin/dashboard/datasource/{number}/change/")
        found |= {"the test": tried, "a form with a mistake": wrong, "after saving": saved}
        assert "403" in json.dumps(found["source list"]), found["source list"]
        for place in ("source show lock", "source export", "dumpdata"):
            assert USER in found[place], "what is no secret is found, so the search works"
        with promised():
            assert [place for place, text in found.items() if PASSWORD in text or TRACE in text] == []
