"""Bounds what Daphne keeps of the body of a request, which it reads whole before anybody can refuse it."""

from __future__ import annotations

from typing import Any


def bound_bodies(most: int) -> None:
    """Lets go of what comes after the first `most` bytes, and one more, by which whoever reads them sees that it is too
    much."""
    from daphne.http_protocol import WebRequest

    def take(request: Any, chunk: bytes) -> None:
        request.content.write(chunk[: max(most + 1 - request.content.tell(), 0)])

    WebRequest.handleContentChunk = take
