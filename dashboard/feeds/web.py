"""Holds what the kinds that speak HTTP have in common: whereto, as whom, and how an answer is taken."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Literal
from urllib.parse import quote, urljoin

import aiohttp
from pydantic import Field, SecretStr, field_validator
from yarl import URL

from dashboard.feeds import reach
from dashboard.feeds.base import FeedConfig, FeedError
from dashboard.feeds.words import span

# Of an answer, and of what it is when it has been unpacked.
BODY_BYTES = 1_048_576
_CHUNK_BYTES = 65_536
_REDIRECTS = 3
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
# The connection's own, and those that carry credentials: these have fields that are kept as secrets.
_RESERVED = frozenset({"authorization", "proxy-authorization", "cookie", "host", "content-length", "transfer-encoding"})
Answer = AbstractAsyncContextManager[aiohttp.ClientResponse]

_WHOM: dict[str, Any] = {"group": "Authentication"}


class Access(FeedConfig):
    """The part of a config that says where a server is, and who asks."""

    url: str = Field(title="URL", description="The address, without a login.")
    headers: dict[str, str] = Field(
        {},
        max_length=50,
        title="Headers",
        description="Sent along. Not for passwords and keys: everybody who may look at the source can read them.",
        examples=[{"Accept": "application/json"}],
    )
    auth: Literal["none", "basic", "bearer", "header", "query"] = Field(
        "none",
        title="Authentication",
        description="basic: user name and password. The others send the token: as bearer, in a header or in the URL.",
        json_schema_extra=_WHOM,
    )
    username: str = Field("", max_length=200, title="User name", json_schema_extra=_WHOM, description="For basic.")
    password: SecretStr | None = Field(None, title="Password", json_schema_extra=_WHOM, description="For basic.")
    token: SecretStr | None = Field(
        None, title="Token", json_schema_extra=_WHOM, description="For bearer, header and query."
    )
    token_name: str = Field(
        "X-API-Key",
        max_length=100,
        title="Name of the token",
        description="The header or the parameter that carries it.",
        json_schema_extra=_WHOM,
    )
    verify: bool = Field(
        True, title="Check the certificate", description="Off for a device that signed its certificate itself."
    )

    @field_validator("headers")
    @classmethod
    def _headers_are_harmless(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError("A header's name has letters, digits and hyphens.")
            if name.lower() in _RESERVED:
                raise ValueError(f"{name} cannot be set here; for credentials there are fields of their own.")
            if len(value) > 2000 or not value.isprintable():
                raise ValueError(f"The value of {name} is too long or has characters that no header has.")
        return headers

    @field_validator("token_name")
    @classmethod
    def _the_token_has_a_good_name(cls, name: str) -> str:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("It has letters, digits and hyphens.")
        return name

    def credentials(self) -> tuple[dict[str, str], dict[str, str]]:
        """Returns the headers and the parameters that carry the credentials, or raises FeedError if one is not set."""
        if self.auth == "none":
            return {}, {}
        if self.auth == "basic":
            return {"Authorization": aiohttp.encode_basic_auth(self.username, secret(self.password, "password"))}, {}
        token = secret(self.token, "token")
        if self.auth == "query":
            return {}, {self.token_name: token}
        return {"Authorization": f"Bearer {token}"} if self.auth == "bearer" else {self.token_name: token}, {}

    def hidden(self) -> list[str]:
        """Returns everything that no message may quote."""
        secrets = [each.get_secret_value() for each in (self.password, self.token) if each]
        if self.auth == "basic" and self.password:
            secrets.append(self.credentials()[0]["Authorization"].partition(" ")[2])
        return secrets


class Status(FeedError):
    """The server answered with a status that is none of success."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        reason = answer.reason if answer.reason and answer.reason.isprintable() else ""
        super().__init__(f"the server answered {answer.status} {reason[:60]}".strip())
        wait = answer.headers.get("Retry-After", "")
        self.retry_after = float(wait) if wait.isascii() and wait.isdigit() else 0.0


@asynccontextmanager
async def session(access: Access) -> AsyncIterator[aiohttp.ClientSession]:
    """Opens a session that reaches what sources may reach, keeps no cookies and follows no redirect by itself."""
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_refuse_redirect)
    async with aiohttp.ClientSession(
        connector=reach.connector(limit=4, ssl=access.verify),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trace_configs=[tracing],
        headers={"User-Agent": "Tickwall", "Accept-Encoding": "gzip"},
    ) as opened:
        yield opened


@asynccontextmanager
async def ask(
    opened: aiohttp.ClientSession,
    access: Access,
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    body: str = "",
    redirects: bool = False,
    patience: aiohttp.ClientTimeout,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Sends a request and yields the answer, following up to three redirects if that is allowed.

    Credentials, headers and the body go to the origin of the config alone, and nothing goes from https to http.
    """
    own = reach.target(access.url, "http", "https").origin
    whom, parameters = access.credentials()
    url, data = with_parameters(access.url, parameters), body.encode() or None
    left = _REDIRECTS if redirects else -1
    while True:
        there = reach.target(url, "http", "https")
        at_home = there.origin == own
        with in_words(there.host, patience.total or patience.sock_connect or 0):
            answer = await opened.request(
                method,
                URL(url),
                headers={**access.headers, **whom, **headers} if at_home else {},
                data=data,
                allow_redirects=False,
                timeout=patience,
            )
        async with answer:
            if answer.status not in (301, 302, 303, 307, 308):
                yield answer
                return
            url, left = _elsewhere(answer, url, there, left), left - 1
            if answer.status < 307 and method != "GET":
                method, data = "GET", None
        if data and reach.target(url).origin != own:
            raise FeedError("the server redirects to another server, which is not sent the body")


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """Returns a URL with more parameters in its query."""
    if not parameters:
        return url
    address = url.partition("#")[0]
    more = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items())
    return f"{address}{'&' if '?' in address else '?'}{more}"


async def read(answer: aiohttp.ClientResponse) -> bytes:
    """Returns the unpacked body of an answer, or raises FeedError: neither it nor what was sent may be too long."""
    encoding = answer.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise FeedError("the answer is packed in a way that nobody asked for")
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    taken, body = 0, bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        taken += len(chunk)
        try:
            # One byte more than there may be: enough to know, and a bomb does not go off.
            body += chunk if unpack is None else unpack.decompress(chunk, BODY_BYTES + 1 - len(body))
        except zlib.error:
            raise FeedError("the answer cannot be unpacked") from None
        if max(taken, len(body)) > BODY_BYTES:
            raise FeedError("the answer is longer than 1 MiB")
    if unpack is not None and not unpack.eof:
        raise FeedError("the answer ended too soon")
    return bytes(body)


@contextmanager
def in_words(host: str, seconds: float) -> Iterator[None]:
    """Turns what goes wrong on the way into sentences that name the host, and never a URL, which may hold a token."""
    try:
        yield
    except TimeoutError:
        raise FeedError(f"“{host}” did not answer within {span(seconds)}") from None
    except aiohttp.ClientConnectorCertificateError as error:
        raise reach.bad_certificate(host, error.certificate_error) from None
    except aiohttp.ClientSSLError:
        raise FeedError(f"“{host}” does not speak TLS as it should") from None
    except aiohttp.WSServerHandshakeError as error:
        raise FeedError(f"“{host}” opens no WebSocket: it answered {error.status}") from None
    except aiohttp.ServerDisconnectedError:
        raise FeedError(f"“{host}” closed the connection without an answer") from None
    except aiohttp.ClientPayloadError:
        raise FeedError("the answer ended too soon") from None
    except aiohttp.InvalidURL:
        raise FeedError("the URL cannot be used") from None
    except aiohttp.ClientResponseError:
        raise FeedError(f"what “{host}” answers is not HTTP") from None
    except (aiohttp.ClientError, OSError) as error:
        why = reach.reason(error) if isinstance(error, OSError) else "the connection was cut"
        raise FeedError(f"“{host}” cannot be reached: {why}") from None


async def _refuse_redirect(opened: aiohttp.ClientSession, context: Any, params: Any) -> None:
    params.response.close()
    raise FeedError("the server redirects, which is not followed here")


def _elsewhere(answer: aiohttp.ClientResponse, url: str, here: reach.Target, left: int) -> str:
    """Returns where a redirect leads, or raises FeedError when it is not followed; `left` is negative for never."""
    location = urljoin(url, answer.headers.get("Location", ""))
    there = reach.target(location, "http", "https")
    if here.secure and not there.secure:
        raise FeedError("the server redirects from https to http, which is not followed")
    if left < 0:
        raise FeedError(f"the server redirects to {there.scheme}://{there.host}, and redirects are not allowed here")
    if left == 0:
        raise FeedError(f"the server redirects more than {_REDIRECTS} times")
    return location


def secret(value: SecretStr | None, name: str) -> str:
    """Returns a secret, or raises FeedError if it is not set or could not be sent."""
    if value is None or not value.get_secret_value():
        raise FeedError(f"the {name} is not set")
    if not value.get_secret_value().isprintable():
        raise FeedError(f"the {name} has characters that cannot be sent")
    return value.get_secret_value()
