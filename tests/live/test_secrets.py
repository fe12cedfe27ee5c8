"""A secret that a source was given is found nowhere but where it was meant to go (F56).

Breaks when a secret is left in the config, when an error passes on what a server sent back, or when anything prints it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
import pytest
import redis

from tests.support.parrots import parrots
from tests.support.promise import promised
from tests.support.site import Person, Site, site

PASSWORD, USER = "planted: correct/horse", "planted-user"
TRACE = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
# By kind, which is the slug of its source too: a secret like no other.
SECRETS = {
    "websocket": "planted/header: battery+staple",
    "mqtt": "planted/broker: troubador&3",
    "redis": "planted/store: hunter 2",
    "postgres": "planted/database: swordfish%",
    "webhook": "planted/signature: open sesame",
}


def configs(http: int, tcp: int) -> dict[str, dict[str, Any]]:
    """Returns the sources of these secrets, each pointed at somebody who refuses it."""
    return {
        "websocket": {"url": f"ws://127.0.0.1:{http}/", "auth": "header", "token": SECRETS["websocket"]},
        "mqtt": {"url": f"mqtt://127.0.0.1:{tcp}", "topics": ["a"], "username": USER, "password": SECRETS["mqtt"]},
        "redis": {"url": f"redis://127.0.0.1:{tcp}/0", "name": "a", "password": SECRETS["redis"]},
        "postgres": {
            "url": f"postgres://127.0.0.1:{tcp}/plant",
            "username": USER,
            "password": SECRETS["postgres"],
            "query": "SELECT 1 AS a",
            "encryption": "disable",
        },
        "webhook": {"secret": SECRETS["webhook"], "new_series": True},
    }


def forms(secret: str) -> set[str]:
    """Returns a secret as it may be written in a text, an address, a quoted string, a page."""
    raw = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        secret.replace("&", "&amp;"),
        base64.b64encode(raw).decode().rstrip("="),
        raw.hex(),
    }


FORMS = {TRACE, *forms(PASSWORD), *(form for secret in SECRETS.values() for form in forms(secret))}


@pytest.fixture
def parrot() -> Iterator[tuple[int, int, list[str]]]:
    with parrots() as found:
        yield found


def send(it: Site, right: bool) -> int:
    """Sends a tick to the webhook, signed with its secret or with another; returns the status."""
    body, stamp = b'{"key": "n", "value": 1}', str(int(time.time()))
    key = SECRETS["webhook"] if right else "somebody else's"
    signature = hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"X-Tickwall-Signature": f"t={stamp},v1={signature}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{it.url}/api/v1/ingest/webhook", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def states(it: Site) -> dict[str, str]:
    """Returns the lines of `source list` by source."""
    return {line.split()[0]: line for line in it.manage("source", "list").splitlines() if line.strip()}


def tables(url: str) -> dict[str, str]:
    """Returns every row of every table of a PostgreSQL, as text."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {
            f"table {name}": "\n".join(
                row[0] for row in connection.execute(f'SELECT "{name}"::text FROM "{name}"').fetchall()
            )
            for (name,) in names
        }


def keys(url: str) -> dict[str, str]:
    """Returns everything that a Redis holds, by key."""
    found = {}
    with redis.Redis.from_url(url) as client:
        readers = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"stream": client.xrange,
        }
        for key in client.scan_iter():
            kind = client.type(key)
            if kind != b"none":  # it has ended meanwhile
                found[f"key {key!r}"] = f"{key!r} {readers[kind](key)!r}"
    return found


def everything(it: Site, ana: Person, paths: list[str]) -> dict[str, str]:
    """Returns all that a site shows, keeps and says, by where it was found."""
    pages = ["/admin/dashboard/datasource/", "/nowhere", "/", "/api/v1/sources", "/api/v1/openapi.json", "/metrics"]
    found = {page: ana.get(page)[1] for page in (*paths, *(f"{path}../history/" for path in paths), *pages)}
    commands = ["source export", "source export --format json", "source list", "dumpdata"]
    commands += [f"source show {slug}" for slug in ("lock", *SECRETS)]
    found |= {command: it.manage(*command.split()) for command in commands}
    found["the log"] = it.log.read_text()
    for file in Path(it.folder).glob("site.sqlite3*"):
        found[file.name] = file.read_bytes().decode("latin-1")
    if it.environment["DATABASE_URL"].startswith("postgres"):
        found |= tables(it.environment["DATABASE_URL"])
    if it.environment.get("REDIS_URL"):
        found |= keys(it.environment["REDIS_URL"])
    return found


def test_f56_a_planted_secret_is_found_nowhere(tmp_path: Path, parrot: tuple[int, int, list[str]]) -> None:
    http, tcp, heard = parrot
    with site(tmp_path, TICKWALL_SOURCE_ALLOW_PRIVATE="127.0.0.0/8") as it:
        added = [
            it.manage("source", "add", kind, "--kind", kind, "--config", json.dumps(config))
            for kind, config in configs(http, tcp).items()
        ]
        ana = Person(it.url).sign_in("ana", "ana likes numbers")
        add = "/admin/dashboard/datasource/add/"
        url = f"http://127.0.0.1:{http}/"
        typed = {"name": "Lock", "slug": "lock", "kind": "http", "config.url": url, "config.interval": "0.5"}
        secret = {"config.auth": '"basic"', "config.username": USER, "config.password": PASSWORD}
        form = {**ana.form_values(add + "?kind=http"), **typed, **secret}
        tried = ana.post(add, {**form, "_test": "1"})[1]
        assert "Test failed." in tried
        wrong = ana.post(add, {**form, "config.interval": "0"})[1]
        saved = ana.post(add, form)[1]
        assert "was added successfully" in saved, saved

        refused = {"lock", *SECRETS} - {"webhook"}
        deadline = time.monotonic() + 60
        while waiting := {slug for slug, line in states(it).items() if slug in refused and "down" not in line}:
            assert time.monotonic() < deadline, f"not refused: {waiting}"
            time.sleep(0.2)
        came = "\n".join(heard)
        for kind, one in SECRETS.items():
            assert kind == "webhook" or one in came, f"the feed of {kind} itself has it"
        assert f"Basic {TRACE}" in heard, "the feed itself has it"
        assert (send(it, right=False), send(it, right=True)) == (401, 202)
        # Whoever looks after a source tries it from the shell, too.
        trials = {f"source test {slug}": it.manage("source", "test", slug, check=False) for slug in sorted(refused)}

        numbers = it.shell("print(*DataSource.objects.exclude(secrets='').values_list('pk', flat=True))").split()
        assert len(numbers) == len(refused) + 1
        found = everything(it, ana, [f"/admin/dashboard/datasource/{number}/change/" for number in numbers])
        found |= {"the test": tried, "a form with a mistake": wrong, "after saving": saved, "added": "".join(added)}
        found |= trials
        assert "403" in json.dumps(found["source list"]), found["source list"]
        for place in ("source show lock", "source export", "dumpdata"):
            assert USER in found[place], "what is no secret is found, so the search works"
        if it.environment.get("REDIS_URL"):
            assert USER in found["table dashboard_datasource"]
            assert any("degraded" in text or "down" in text for place, text in found.items() if place.startswith("key"))
        with promised():
            assert [(place, form) for place, text in found.items() for form in FORMS if form in text] == []
