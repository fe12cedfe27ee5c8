"""Asks a running site over its HTTP API."""

from __future__ import annotations

import ipaddress
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlsplit

SECONDS = 10


class SiteError(Exception):
    """The site did not give what was asked for; the text says why, and what to do."""


class Site:
    """A site by its address, as in http://127.0.0.1:8000, and the token with which to ask it."""

    def __init__(self, url: str, token: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.username:
            raise SiteError(f"{url} is no address of a site; it looks like http://127.0.0.1:8000")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.socket = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/ws/live/"
        # A proxy in the environment is for the world outside; this machine is not behind it.
        self.is_here = parts.hostname == "localhost" or _is_loopback(parts.hostname)
        self.token = token

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def series(self, source: str) -> list[dict[str, Any]]:
        """Returns the series of a source as the API lists them."""
        rows: list[dict[str, Any]] = self._get(f"series?source={quote(source, safe='')}")
        return rows

    def source(self, slug: str) -> dict[str, Any]:
        """Returns a source as the API lists it."""
        for source in self._get("sources"):
            if source["slug"] == slug:
                found: dict[str, Any] = source
                return found
        raise SiteError(f"{self.origin} has no source {slug} that this token may see.")

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(f"{self.origin}/api/v1/{path}", headers=self.headers)
        opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if self.is_here else []))
        try:
            with opener.open(request, timeout=SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise SiteError(f"{self.origin} answers {error.code}: {_message(error)}") from None
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", error)
            raise SiteError(f"{self.origin} does not answer ({why}). Is the site running? --url says where.") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["msg"])
    except (ValueError, TypeError, KeyError, OSError):
        return str(error.reason)
