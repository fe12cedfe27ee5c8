"""Reads what comes from outside: JSON, numbers, texts and times, and tells what it is made of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from math import nan
from typing import Any, Literal

import orjson

from dashboard.feeds.base import FeedError
from dashboard.feeds.words import hide, one_line

TimeFormat = Literal["auto", "ms", "s", "iso"]

_MOST_DEPTH = 8
_SHAPE_NAMES = 20
_CHARACTERS = 160
_LOOKED_AT = 16_384
# Whether what a payload is made of may be told with its values: to somebody who tries a source out, and to no viewer.
quoting: ContextVar[bool] = ContextVar("quoting", default=False)
# Not float(): that takes "nan", "1_000" and digits of all scripts.
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)


class NotJson(FeedError):
    """A payload is not JSON; the text shows how it begins."""


def decode(body: bytes | str, hidden: Collection[str] = ()) -> Any:
    """Returns what JSON stands for, or raises NotJson. What is `hidden` is not quoted in that."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotJson(f"this is not JSON: {excerpt(body, hidden)}") from None


def number(found: Any) -> float:
    """Returns a number, also one that is given as text; true and false are 1 and 0. Raises ValueError in words."""
    if isinstance(found, int | float):
        return float(found) if abs(found) < 1e308 else nan
    if found is None:
        raise ValueError("nothing found")
    if isinstance(found, str) and _NUMBER.fullmatch(found):
        return float(found)
    raise ValueError("no number")


def text(found: Any) -> str:
    """Returns a text, of what is none its JSON. Raises ValueError when there is nothing."""
    if found is None:
        raise ValueError("nothing found")
    return found if isinstance(found, str) else orjson.dumps(found).decode()


def milliseconds(time: Any, form: TimeFormat = "auto") -> int:
    """Returns a time in milliseconds since 1970 UTC, or raises ValueError that says what is wrong with it."""
    if time is None:
        raise ValueError("no time")
    try:
        if form in ("auto", "iso") and isinstance(time, str) and not _NUMBER.fullmatch(time):
            moment = datetime.fromisoformat(time.strip())
            return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        if form != "iso" and not isinstance(time, bool):
            return round(number(time) * _scale(abs(number(time)), form))
    except (ValueError, OverflowError):
        pass
    raise ValueError("not a time")


def numbers(found: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, float]]:
    """Yields every number in a payload, under the names that lead to it. Numbers given as texts are not among them."""
    if isinstance(found, int | float):
        yield name or "value", number(found)
    elif isinstance(found, dict | list) and depth < _MOST_DEPTH:
        for part, inner in found.items() if isinstance(found, dict) else enumerate(found):
            yield from numbers(inner, f"{name}.{part}" if name else str(part), depth + 1)


def excerpt(body: bytes | str, hidden: Collection[str] = ()) -> str:
    """Returns how a payload begins, in one line."""
    begin = body[:_LOOKED_AT]
    # Hidden before it is cut: half of a secret would not be known as one.
    line = one_line(hide(begin.decode("utf-8", "replace") if isinstance(begin, bytes) else begin, hidden))
    if not line:
        return "it is not text" if body else "it is empty"
    return f"“{_cut(line)}”"


def made_of(found: Any, hidden: Collection[str] = ()) -> str:
    """Returns the shape of a payload, and how it begins where that may be told (`quoting`)."""
    told = shape(found)
    return f"{told}, as in {excerpt(orjson.dumps(found, default=str), hidden)}" if quoting.get() else told


def shape(found: Any) -> str:
    """Tells in a line what a payload is made of: its names, and of what type its values are, but no value."""
    return _cut(one_line(_shape(found, 2)))


def _shape(found: Any, depth: int) -> str:
    if isinstance(found, dict):
        if not found or not depth:
            return "{…}" if found else "{}"
        parts = [f"{name}: {_shape(inner, depth - 1)}" for name, inner in list(found.items())[:_SHAPE_NAMES]]
        return "{" + ", ".join(parts) + (", …}" if len(found) > _SHAPE_NAMES else "}")
    if isinstance(found, list):
        return f"a list of {len(found)}" + (f", each {_shape(found[0], depth - 1)}" if found and depth else "")
    if found is None:
        return "null"
    return "true or false" if isinstance(found, bool) else "text" if isinstance(found, str) else "number"


def _scale(time: float, form: TimeFormat) -> float:
    if form != "auto":
        return 1.0 if form == "ms" else 1000.0
    # Seconds up to the year 5138; milliseconds, then microseconds, then nanoseconds from 1973 on.
    return next((scale for end, scale in ((1e11, 1000.0), (1e14, 1.0), (1e17, 1e-3)) if time < end), 1e-6)


def _cut(line: str) -> str:
    return line if len(line) <= _CHARACTERS else line[: _CHARACTERS - 1] + "…"
