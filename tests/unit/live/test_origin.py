"""Tests who may open the socket: pages of exactly this site, and of the origins that were named."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.live.origin import may_connect

HOSTS = ["example.com", "localhost", "[::1]", "10.0.0.7"]


def connects(
    origin: str | list[str] | None,
    host: str | list[str] = "example.com",
    *,
    scheme: str = "ws",
    allowed: tuple[str, ...] = (),
    hosts: list[str] = HOSTS,
    header: tuple[str, str] | None = None,
    extra: tuple[tuple[bytes, bytes], ...] = (),
) -> bool:
    origins = [origin] if isinstance(origin, str) else origin or []
    names = [host] if isinstance(host, str) else host
    headers = [(b"origin", value.encode("latin-1")) for value in origins]
    headers += [(b"host", value.encode("latin-1")) for value in names]
    scope: dict[str, Any] = {"type": "websocket", "scheme": scheme, "headers": [*headers, *extra]}
    return may_connect(scope, allowed=allowed, hosts=hosts, https_header=header)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://example.com", "example.com"),
        ("http://example.com:80", "example.com"),
        ("http://example.com", "example.com:80"),
        ("http://example.com:8000", "example.com:8000"),
        ("http://EXAMPLE.com", "example.com"),
        ("http://example.com", "Example.COM"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://10.0.0.7:8000", "10.0.0.7:8000"),
        ("http://localhost", "localhost"),
    ],
)
def test_a_page_of_the_site_itself_may_connect(origin: str, host: str) -> None:
    assert connects(origin, host)


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",  # another scheme
        "http://example.com:8001",  # another port
        "http://sub.example.com",
        "http://evil-example.com",
        "http://example.com.evil.net",
        "http://example.comevil.net",
        "http://evil.net/example.com",
        "http://evil.net#example.com",
        "http://evil.net?example.com",
        "http://evil.net\\example.com",
        "http://example.com@evil.net",
        "http://evil.net@example.com",
        "http://user:secret@example.com",
        "http://@example.com",
        "http://example.com/",
        "http://example.com/path",
        "http://example.com.",
        "http://example.com%00.evil.net",
        "http://example.com:",
        "http://example.com:port",
        "http://example.com:99999",
        "http://example.com:-80",
        "ws://example.com",
        "file://example.com",
        "chrome-extension://example.com",
        "//example.com",
        "example.com",
        "http:example.com",
        "http:///example.com",
        "http://",
        "http://[::1",
        "http://[example.com]",
        "null",
        "",
        " ",
        "*",
        "http://example.com http://example.com",
        "http://example.com, http://evil.net",
        "http://ex\xe4mple.com",
        "http://localhost",
    ],
)
def test_any_other_page_may_not(origin: str) -> None:
    # An empty port is the default port, and no other site has it.
    assert connects(origin) == (origin == "http://example.com:")


def test_a_missing_or_repeated_header_is_refused() -> None:
    assert not connects(None)
    assert not connects(["http://example.com", "http://example.com"])
    assert not connects(["http://example.com", "http://evil.net"])
    assert not connects("http://example.com", [])
    assert not connects("http://example.com", ["example.com", "example.com"])


@pytest.mark.parametrize(
    "host", ["evil.net", "sub.example.com", "example.com@evil.net", "example.com/x", "", " ", ":80"]
)
def test_a_host_that_the_site_does_not_answer_to_is_refused(host: str) -> None:
    assert not connects(f"http://{host}", host)
    assert not connects("http://friend.org", host, allowed=("http://friend.org",))


def test_a_site_for_all_hosts_still_wants_its_own_origin() -> None:
    assert connects("http://any.where:81", "any.where:81", hosts=["*"])
    assert not connects("http://any.where", "any.where:81", hosts=["*"])
    assert not connects("http://a@b", "a@b", hosts=["*"])


def test_a_secure_socket_wants_a_secure_page() -> None:
    assert connects("https://example.com", scheme="wss")
    assert connects("https://example.com:443", scheme="wss")
    assert not connects("http://example.com", scheme="wss")
    assert not connects("https://example.com:80", scheme="wss")


def test_named_origins_may_connect_and_nobody_like_them() -> None:
    allowed = ("https://friend.org", "http://board.local:8080")
    assert connects("https://friend.org", allowed=allowed)
    assert connects("https://friend.org:443", allowed=allowed)
    assert connects("http://board.local:8080", allowed=allowed)
    for origin in ("http://friend.org", "https://friend.org:8443", "https://x.friend.org", "http://board.local"):
        assert not connects(origin, allowed=allowed)


def test_a_named_origin_that_is_none_lets_nobody_in() -> None:
    for nonsense in ("", "*", "null", "friend.org", "https://friend.org/"):
        for origin in ("null", "", "*", "https://friend.org", "http://evil.net"):
            assert not connects(origin, allowed=(nonsense,))


def test_a_proxy_may_say_that_the_browser_came_over_https() -> None:
    header = ("HTTP_X_FORWARDED_PROTO", "https")
    told = ((b"x-forwarded-proto", b"https"),)
    assert connects("https://example.com", header=header, extra=told)
    assert connects("https://example.com", header=header, extra=((b"x-forwarded-proto", b"https, http"),))
    assert not connects("http://example.com", header=header, extra=told)
    assert not connects("https://example.com", header=header)
    assert not connects("https://example.com", header=header, extra=((b"x-forwarded-proto", b"http, https"),))
    assert not connects("https://example.com", header=header, extra=((b"x-forwarded-proto", b"httpsx"),))
    assert not connects("https://example.com", header=header, extra=told * 2)
    assert not connects("https://example.com", extra=told), "nobody was told to believe this header"
