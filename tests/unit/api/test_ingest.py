"""Tests the door through which ticks are sent in: who may, how often, and that nothing is taken in part."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import AsyncClient
from django.utils import timezone

from dashboard import ticklog
from dashboard.api import api, directory, ingest
from dashboard.api.directory import Directory, Listing, Unknown
from dashboard.models import ApiToken, DataSource, Series
from dashboard.models.offload import offload
from dashboard.models.secrets import seal
from dashboard.ticklog.base import LogUnreachable
from dashboard.ticklog.inbox import MemoryInbox

SECRET, OLD_SECRET = "the new secret of the senders", "the old secret of the senders"
TICK = b'{"key": "cellar", "value": 11.5}'


class Door:
    """The door, with the rows behind it."""

    def __init__(self, inbox: MemoryInbox) -> None:
        self.inbox = inbox
        secrets = seal({"secret": SECRET, "old_secret": OLD_SECRET})
        self.push = DataSource.objects.create(name="Push", slug="push", kind="webhook", secrets=secrets)
        Series.objects.create(source=self.push, key="cellar", decimals=2)
        self.other = DataSource.objects.create(name="Other", slug="other", kind="webhook")
        DataSource.objects.create(name="Asleep", slug="asleep", kind="webhook", enabled=False)
        DataSource.objects.create(name="Market", slug="market", kind="simulated")
        self.token, self.text = ApiToken.issue("one", "ingest", self.push)
        self.texts = {scope: ApiToken.issue(scope, scope)[1] for scope in ("read", "ingest", "admin")}

    async def send(self, body: bytes = TICK, slug: str = "push", **headers: str) -> ingest.Answer:
        """Sends it to the ASGI door, as a server does: in two parts, without a length."""
        sent: list[Any] = []
        parts = [
            {"type": "http.request", "body": body[:10], "more_body": True},
            {"type": "http.request", "body": body[10:], "more_body": False},
        ]

        async def receive() -> Any:
            return parts.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        async def elsewhere(*_: Any) -> None:
            raise AssertionError("it was passed on")

        encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": f"/api/v1/ingest/{slug}", "headers": encoded}
        await ingest.IngestDoor(elsewhere)(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return ingest.Answer(sent[0]["status"], orjson.loads(sent[1]["body"]), told)

    async def bear(self, body: bytes = TICK, slug: str = "push", text: str = "", **headers: str) -> ingest.Answer:
        return await self.send(body, slug, Authorization=f"Bearer {text or self.text}", **headers)

    async def signed(self, body: bytes = TICK, *, age: float = 0, sent: bytes | None = None) -> ingest.Answer:
        return await self.send(body if sent is None else sent, X_Tickwall_Signature=header(body, age=age))

    async def waiting(self) -> int:
        return len(await self.inbox.read(self.push.pk, "", 0.001))


def header(body: bytes, *, age: float = 0, secret: str = SECRET) -> str:
    stamp = str(int(time.time() - age))
    right = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={right}"


@pytest.fixture
def door(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Door:
    inbox = MemoryInbox(1_000_000)
    monkeypatch.setattr(ticklog, "current_inbox", lambda: inbox)
    known = Directory(offload(directory.read))
    monkeypatch.setattr(directory, "current", lambda: known)
    ingest._allowances.cache_clear()
    return Door(inbox)


async def test_the_bearer_of_a_token_sends_a_tick(door: Door) -> None:
    answer = await door.bear()
    assert (answer.status, answer.content) == (202, {"taken": 1})
    assert (await door.bear(text=door.texts["ingest"])).status == 202
    assert (await door.bear(text=door.texts["admin"])).status == 202
    assert await door.waiting() == 3


async def test_without_a_token_that_may_nothing_is_taken(door: Door) -> None:
    lookup, _, _ = door.text.removeprefix("tw_").partition("_")
    for text in (door.texts["read"], f"tw_{lookup}_wrong", "tw_aaaaaaaa_wrong", "nonsense", "tw_é_x"):
        answer = await door.bear(text=text)
        assert (answer.status, answer.content["code"]) == (401, "unauthorized"), text
        assert answer.headers["www-authenticate"] == "Bearer"
    assert (await door.send()).status == 401
    assert (await door.send(Authorization="Basic YTpi")).status == 401
    assert await door.waiting() == 0


async def test_a_source_that_is_not_ones_own_and_one_that_is_not_there_look_the_same(door: Door) -> None:
    answers = [await door.bear(slug=slug) for slug in ("other", "market", "nowhere", "%00")]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.content["msg"] for answer in answers}) == 1
    unsigned = [await door.send(slug=slug) for slug in ("push", "other", "nowhere")]
    assert len({(answer.status, answer.content["msg"]) for answer in unsigned}) == 1


async def test_a_disabled_source_takes_nothing_and_says_so(door: Door) -> None:
    answer = await door.bear(slug="asleep", text=door.texts["ingest"])
    assert answer.status == 409
    assert "disabled" in answer.content["msg"]


async def test_a_signature_with_either_secret_is_good(door: Door) -> None:
    assert (await door.signed()).status == 202
    other = await door.send(
        b'{"key": "cellar", "value": 2}',
        X_Tickwall_Signature=header(b'{"key": "cellar", "value": 2}', secret=OLD_SECRET),
    )
    assert other.status == 202
    assert await door.waiting() == 2


async def test_a_bad_or_old_signature_is_refused(door: Door) -> None:
    assert (await door.signed(age=301.5)).status == 401
    assert (await door.signed(age=-330)).status == 401
    assert (await door.signed(sent=TICK.replace(b"11.5", b"99.5"))).status == 401
    for text in ("", "t=,v1=", "v1=00", "t=1", header(TICK, secret="somebody else's secret"), "t=9" * 99, "t=²,v1=1"):
        assert (await door.send(X_Tickwall_Signature=text)).status == 401, text
    assert await door.waiting() == 0
    assert (await door.signed(age=270)).status == 202


async def test_a_request_that_is_sent_again_is_not_taken_again(door: Door) -> None:
    text = header(TICK)
    assert (await door.send(X_Tickwall_Signature=text)).status == 202
    for again in (text, text + ",v1=00", header(TICK, secret=OLD_SECRET).split(",")[1] + "," + text):
        answer = await door.send(X_Tickwall_Signature=again)
        assert (answer.status, answer.content["code"]) == (409, "repeated")
    assert await door.waiting() == 1


async def test_all_of_a_request_is_taken_or_nothing(door: Door) -> None:
    good = {"key": "cellar", "value": 1}
    for bad in ({"key": "attic", "value": 1}, {"key": "cellar", "value": None}, {**good, "time": 1000}, {}):
        answer = await door.bear(json.dumps([good, bad]).encode())
        assert (answer.status, answer.content["code"]) == (422, "bad")
        assert answer.content["msg"]
    assert await door.waiting() == 0


async def test_what_is_too_much_is_refused(door: Door) -> None:
    tick = {"key": "cellar", "value": 1}
    assert (await door.bear(json.dumps([tick] * 1000).encode())).status == 202
    assert (await door.bear(json.dumps([tick] * 1001).encode())).status == 413
    padded = json.dumps([tick]).encode().ljust(262_145)
    assert (await door.bear(padded[:-1])).status == 202
    assert (await door.bear(padded)).status == 413
    assert await door.waiting() == 2


async def test_a_body_is_read_no_further_than_it_may_be_long(door: Door) -> None:
    read = 0

    async def receive() -> Any:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    assert len(await ingest._body(receive)) == 5 * 65_536
    assert read == 5


async def test_a_compressed_body_is_refused(door: Door) -> None:
    assert (await door.bear(Content_Encoding="gzip")).status == 415


async def test_a_sender_in_a_hurry_is_told_to_wait_and_others_are_not(door: Door, settings: Any) -> None:
    settings.TICKWALL_INGEST_PER_SECOND, settings.TICKWALL_INGEST_BURST = 0.1, 3
    ingest._allowances.cache_clear()
    statuses = [(await door.bear()).status for _ in range(5)]
    assert statuses == [202] * 3 + [429] * 2
    assert (await door.bear()).headers["retry-after"] == "10"
    assert (await door.bear(text=door.texts["ingest"])).status == 202
    assert (await door.signed()).status == 202


async def test_a_full_inbox_is_said_and_the_same_request_may_come_again(door: Door) -> None:
    door.inbox._most_bytes = 1
    body, text = TICK, header(TICK)
    answer = await door.send(body, X_Tickwall_Signature=text)
    assert (answer.status, answer.content["code"], answer.headers["retry-after"]) == (429, "full", "1")
    door.inbox._most_bytes = 10_000
    assert (await door.send(body, X_Tickwall_Signature=text)).status == 202


async def test_a_redis_that_is_away_is_said(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def put(*_: Any) -> None:
        raise LogUnreachable("away")

    monkeypatch.setattr(door.inbox, "put", put)
    assert (await door.bear()).status == 503


async def test_the_database_is_not_asked_at_each_request(door: Door) -> None:
    asked = 0
    ask = directory.current()._read
    directory.current()._monotonic = lambda: 0.0

    async def count(used: Any) -> Listing:
        nonlocal asked
        asked += 1
        return await ask(used)

    directory.current()._read = count
    for _ in range(20):
        assert (await door.bear()).status == 202
    assert asked == 1


async def test_a_revoked_token_holds_no_longer_than_five_seconds(door: Door) -> None:
    now = [0.0]
    directory.current()._monotonic = lambda: now[0]
    assert (await door.bear()).status == 202
    await ApiToken.objects.filter(pk=door.token.pk).aupdate(revoked=True)
    now[0] = directory.OLDEST
    assert (await door.bear()).status == 401


async def test_a_token_that_expires_does_so_at_once(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    then = timezone.now() + timedelta(hours=1)
    await ApiToken.objects.filter(pk=door.token.pk).aupdate(expires=then)
    directory.current()._monotonic = lambda: 0.0
    assert (await door.bear()).status == 202
    monkeypatch.setattr(timezone, "now", lambda: then)
    assert (await door.bear()).status == 401


async def test_the_last_use_of_a_token_is_noted_with_the_next_look(door: Door) -> None:
    now = [0.0]
    directory.current()._monotonic = lambda: now[0]
    await door.bear()
    now[0] = directory.OLDEST
    await door.bear()
    assert (await ApiToken.objects.aget(pk=door.token.pk)).last_used is not None


async def test_nobody_is_judged_by_what_the_database_said_long_ago() -> None:
    now, down = [0.0], [False]

    async def ask(used: Any) -> Listing:
        if down[0]:
            raise OSError("the database is away")
        return Listing()

    known = Directory(ask, lambda: now[0])
    assert await known.look() == Listing()
    down[0], now[0] = True, directory.OLDEST - 0.1
    await known.look()
    now[0] = directory.OLDEST
    with pytest.raises(Unknown):
        await known.look()
    down[0] = False
    assert await known.look() == Listing()


async def test_what_goes_elsewhere_is_passed_on() -> None:
    passed: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["path"])

    door = ingest.IngestDoor(app)
    for kind, method, path in (
        ("websocket", "POST", "/api/v1/ingest/push"),
        ("http", "GET", "/api/v1/ingest/push"),
        ("http", "POST", "/api/v1/ingest/"),
        ("http", "POST", "/api/v1/ingest/a/b"),
        ("http", "POST", "/admin/"),
    ):
        await door({"type": kind, "method": method, "path": path, "headers": []}, _nothing, _nothing)
    assert len(passed) == 5


async def test_it_is_described_and_answered_without_the_door_as_well(door: Door) -> None:
    answer = await AsyncClient().post(
        "/api/v1/ingest/push", TICK, "application/json", headers={"Authorization": f"Bearer {door.text}"}
    )
    assert (answer.status_code, answer.json()) == (202, {"taken": 1})
    described = api.get_openapi_schema()["paths"]["/api/v1/ingest/{slug}"]["post"]
    assert described["requestBody"]["content"]


async def _nothing(*_: Any) -> None:
    pass
