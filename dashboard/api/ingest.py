"""Takes ticks that others send in: `POST /api/v1/ingest/{slug}`."""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema

from dashboard import ticklog
from dashboard.api import directory
from dashboard.api.allowance import Allowances
from dashboard.api.answers import Refusal, not_found
from dashboard.api.directory import Directory, Listing, Pass
from dashboard.feeds.pushed import Refused, Target
from dashboard.models import ApiToken
from dashboard.ticklog.base import LogUnreachable
from dashboard.ticklog.inbox import InboxFull, PutBefore

log = logging.getLogger(__name__)

router = Router()

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

PATH = "/api/v1/ingest/"
# Seconds that the clock of one who signs may be off.
TOLERANCE = 300
# Signatures that one request may carry: one for each secret that holds, and one more.
SIGNATURES = 3
WHO = (
    "Say who you are: Authorization: Bearer tw_… with a token that may send ticks in (manage.py token add NAME --scope "
    "ingest --source SLUG), or X-Tickwall-Signature with a signature that is right and not older than 5 minutes."
)


# What a token that there is not is compared with, so that it takes as long.
NOBODY = Pass("0" * 64, None, None)
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "examples": {
                    "one": {"value": {"key": "cellar", "value": 11.5, "time": 1795361835123}},
                    "batch": {"value": [{"key": "cellar", "value": 11.5}, {"key": "attic", "value": 19.25}]},
                    "columns": {"value": {"keys": ["cellar", "cellar"], "values": [11.5, 11.6]}},
                }
            }
        },
    }
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and where to: the name under which his requests are counted, and of a signed one that of the request
    itself, which must come only once."""

    name: str
    target: Target
    once: str = ""


async def answer(slug: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Takes all ticks of a request, or none. The names of headers are in lower case."""
    try:
        taken = await _take(slug, headers, body)
    except Refusal as refusal:
        also = {"Retry-After": str(refusal.retry)} if refusal.retry else {}
        if refusal.status == 401:
            also["WWW-Authenticate"] = "Bearer"
        return Answer(refusal.status, {"code": refusal.code, "msg": refusal.msg}, also)
    return Answer(202, {"taken": taken})


async def _take(slug: str, headers: Mapping[str, str], body: bytes) -> int:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "bad", "Compressed bodies are not taken. Send it as it is, in several requests if need be.")
    if len(body) > settings.TICKWALL_INGEST_BYTES:
        raise too_big()
    known = directory.current()
    try:
        listing = await known.look()
    except directory.Unknown:
        raise Refusal(503, "unavailable", "The database does not answer. Send it again a little later.", 2) from None
    sender = _sender(slug, headers, body, listing, known)
    if not _allowances().take(sender.name, time.monotonic()):
        rate = settings.TICKWALL_INGEST_PER_SECOND
        raise Refusal(
            429, "rate", f"More than {rate:g} requests a second. Send more ticks in each.", math.ceil(1 / rate)
        )
    target = sender.target
    if target.why_not:
        raise Refusal(409, "disabled", target.why_not)
    try:
        ticks = target.take(body, time.time_ns() // 1_000_000)
    except Refused as refused:
        raise Refusal(413 if refused.too_much else 422, "limit" if refused.too_much else "bad", str(refused)) from None
    try:
        await ticklog.current_inbox().put(target.source, ticks.content, sender.once)
    except InboxFull:
        raise Refusal(
            429, "full", "The worker has not taken yet what was sent before. Nothing of this was.", 1
        ) from None
    except PutBefore:
        raise Refusal(
            409, "repeated", "This request was taken before. Sign each with the time at which it is."
        ) from None
    except LogUnreachable:
        raise Refusal(503, "unavailable", "Redis does not answer. Send it again a little later.", 2) from None
    return ticks.count


def _sender(slug: str, headers: Mapping[str, str], body: bytes, listing: Listing, known: Directory) -> Sender:
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _bearer(slug, text.strip(), listing, known)
    target, signature = listing.targets.get(slug), headers.get("x-tickwall-signature")
    # Who has no right learns no more than that, not even which slugs there are.
    if target is None or signature is None:
        raise Refusal(401, "unauthorized", WHO)
    stamp, signatures = _read_signature(signature)
    if not stamp or abs(time.time() - int(stamp)) > TOLERANCE or not target.signed((stamp, b".", body), signatures):
        raise Refusal(401, "unauthorized", WHO)
    return Sender(f"signed {target.source}", target, hashlib.sha256(b"%s.%s" % (stamp, body)).hexdigest())


def _bearer(slug: str, text: str, listing: Listing, known: Directory) -> Sender:
    lookup, digest = ApiToken.parts(text)
    found = listing.passes.get(lookup, NOBODY)
    if not hmac.compare_digest(found.digest, digest) or (found.expires and found.expires <= timezone.now()):
        raise Refusal(401, "unauthorized", WHO)
    known.note(lookup)
    target = listing.targets.get(slug)
    if target is None or found.source not in (None, target.source):
        raise not_found()
    return Sender(lookup, target)


def _read_signature(text: str) -> tuple[bytes, list[str]]:
    """Returns the time and the signatures of a header; what is wrong with it leaves them empty."""
    stamp, signatures = b"", []
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit() and len(value) <= 12:
            stamp = value.encode()
        elif name == "v1":
            signatures.append(value)
    return stamp, signatures[:SIGNATURES]


def too_big() -> Refusal:
    most = settings.TICKWALL_INGEST_BYTES
    return Refusal(413, "limit", f"More than {most:,} bytes. Send it in several requests.")


@cache
def _allowances() -> Allowances:
    return Allowances(settings.TICKWALL_INGEST_PER_SECOND, settings.TICKWALL_INGEST_BURST)


class IngestDoor:
    """Answers these requests before Django sees them, in a third of the time, and passes everything else on.

    A body is read no further than it may be long.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        slug = scope["path"].removeprefix(PATH) if scope["type"] == "http" and scope["method"] == "POST" else ""
        if not slug or slug == scope["path"] or "/" in slug.rstrip("/"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            body = await _body(receive)
        except Gone:
            return
        try:
            answered = await answer(slug.rstrip("/"), headers, body)
        except Exception:
            log.exception("a request to %s failed", PATH)
            answered = Answer(500, {"code": "internal", "msg": "This went wrong on the server; its log says how."})
        await _send(send, answered)


class Gone(Exception):
    """The sender went before he had sent everything."""


async def _body(receive: Receive) -> bytes:
    """Returns the body, cut off behind the first byte that is too much."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > settings.TICKWALL_INGEST_BYTES or not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, answered: Answer) -> None:
    content = orjson.dumps(answered.content)
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **answered.headers,
    }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answered.status, "headers": encoded})
    await send({"type": "http.response.body", "body": content})


class TakenOut(Schema):
    taken: int = Field(description="How many ticks were taken: all of the request.")


@router.post("/ingest/{slug}", auth=None, response={202: TakenOut}, summary="Send ticks in", openapi_extra=BODY)
async def ingest(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes ticks for a source of the kind `webhook`: all of a request, or none, and then the answer says why.

    202 means that they wait for the worker, which puts them into the log within a tenth of a second; 429 that nothing
    was taken, and after how many seconds to send it again.
    """
    try:
        body = request.body
    except RequestDataTooBig:
        raise too_big() from None
    answered = await answer(slug, {name.lower(): value for name, value in request.headers.items()}, body)
    response = HttpResponse(orjson.dumps(answered.content), "application/json", answered.status)
    for name, value in answered.headers.items():
        response[name] = value
    return response
