"""Decides whether a page of some origin may open the socket: scheme, host and port must be exactly right."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.http.request import split_domain_port, validate_host

_PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int]


def may_connect(
    scope: Mapping[str, Any],
    *,
    allowed: Iterable[str],
    hosts: Collection[str],
    https_header: tuple[str, str] | None = None,
) -> bool:
    """Tells whether the handshake in `scope` comes from the site itself or from one of the `allowed` origins.

    A missing, repeated, `null` or malformed Origin is refused, and so is a Host that the site does not answer to.
    `https_header` names the header, and its value, by which a proxy says that the browser came over https.
    """
    origins = _header(scope, b"origin")
    names = _header(scope, b"host")
    if len(origins) != 1 or len(names) != 1:
        return False
    domain, _ = split_domain_port(names[0])
    if not validate_host(domain, list(hosts)):
        return False
    scheme = "https" if scope.get("scheme") == "wss" or _told_https(scope, https_header) else "http"
    origin = parse(origins[0])
    return origin is not None and (
        origin == parse(f"{scheme}://{names[0]}") or any(origin == parse(other) for other in allowed)
    )


def parse(text: str) -> Origin | None:
    """Returns scheme, host and port of an origin, or None if it is not one."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path or parts.query or parts.fragment:
        return None
    if parts.username is not None or parts.password is not None:
        return None
    return parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme]


def _header(scope: Mapping[str, Any], name: bytes) -> list[str]:
    return [value.decode("latin-1") for header, value in scope.get("headers", ()) if header.lower() == name]


def _told_https(scope: Mapping[str, Any], https_header: tuple[str, str] | None) -> bool:
    if https_header is None:
        return False
    meta, value = https_header
    name = meta.removeprefix("HTTP_").replace("_", "-").lower().encode()
    # Of several proxies the first in the list speaks of the browser, as Django reads it.
    return [told.split(",")[0].strip() for told in _header(scope, name)] == [value]
