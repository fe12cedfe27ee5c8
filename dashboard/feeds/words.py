"""Turns errors and spans of time into plain words for operators and viewers."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from math import ceil
from urllib.parse import quote, quote_plus

from pydantic import ValidationError

from dashboard.feeds.base import FeedError

# What a viewer is shown of an error at most.
ERROR_CHARACTERS = 300
_LOGIN_IN_URL = re.compile(r"(://)[^/\s@]*@")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")
# A shorter secret is none, and taking it out would tell what it is.
_SECRET_CHARACTERS = 4
# Up to so many seconds a span is told in steps of so many: a countdown then changes a message seldom.
_STEPS = ((10, 1), (60, 5), (600, 30))


def plain(error: BaseException, secrets: Collection[str] = ()) -> str:
    """Returns one line about an error: its own words where they are meant for people.

    Logins in URLs are hidden, and so are the secrets wherever they turn up.
    """
    text = str(error)
    if isinstance(error, TimeoutError) and not text:
        text = "timed out"
    elif not isinstance(error, FeedError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return one_line(hide(text, secrets))


def one_line(text: str) -> str:
    """Returns a text without line breaks, control characters and logins in URLs, cut to what a viewer is shown."""
    # Cut before the search too: an error may quote a whole answer.
    line = _UNPRINTABLE.sub(" ", _LOGIN_IN_URL.sub(r"\1…@", text[: 4 * ERROR_CHARACTERS])).strip()
    line = line.encode("utf-8", "replace").decode("utf-8")
    return line if len(line) <= ERROR_CHARACTERS else line[: ERROR_CHARACTERS - 1] + "…"


def hide(text: str, secrets: Collection[str]) -> str:
    """Returns a text without the secrets, also as they are written in URLs and in quoted strings."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SECRET_CHARACTERS:
            written = (repr(secret), json.dumps(secret), json.dumps(secret, ensure_ascii=False))
            for form in {secret, quote(secret, safe=""), quote_plus(secret), *(quoted[1:-1] for quoted in written)}:
                text = text.replace(form, "…")
    return text


def complaints(error: ValidationError, secrets: Collection[str] = ()) -> list[tuple[str, str]]:
    """Returns what a config schema complains of, as (field, sentence); never the value, which may be a secret."""
    return [
        (".".join(str(part) for part in item["loc"]), hide(item["msg"].removeprefix("Value error, "), secrets))
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def span(seconds: float) -> str:
    """Returns a length of time as people say it: 12 s, 3 min, 24 h."""
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def elapsed(seconds: float) -> str:
    """Returns a growing span in steps, rounded down."""
    step = _step(seconds)
    return span(seconds // step * step)


def remaining(seconds: float) -> str:
    """Returns a shrinking span in steps, rounded up."""
    step = _step(seconds)
    return span(max(1, ceil(seconds / step) * step))


def _step(seconds: float) -> int:
    return next((step for end, step in _STEPS if seconds <= end), 60)


def count(number: int, noun: str) -> str:
    """Returns a number with its noun: 1 tick, 9,000 ticks."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
