"""Turns what a viewer sends into one of a few requests, or into a sentence that says what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# A viewer's ids are his own; they only have to fit a float's integers.
_MAX_INT = 2**53
_MAX_DEPTH = 8
# Sources that one subscription oversees at most: each is looked up once a second.
_MAX_OVERSEEN = 1000
# The message that comes most, as pages write it; in any other form `parse` reads it.
_PLAIN_ACK = re.compile(r'\{"t" ?: ?"ack" ?, ?"k" ?: ?"([0-9a-f]{1,64})"\}')


class BadRequest(Exception):
    """The message cannot be understood. `request` is its id where one could be read; `strike` whether it counts
    against the viewer (a message type of a newer client does not)."""

    def __init__(self, msg: str, request: int | None = None, *, strike: bool = True) -> None:
        super().__init__(msg)
        self.msg = msg
        self.request = request
        self.strike = strike


@dataclass(frozen=True, slots=True)
class Hello:
    version: int
    build: str
    ticket: str | None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Asks for a dashboard or for series; `since` maps sources to (epoch, seq), `window` is in seconds."""

    id: int
    dashboard: str | None
    series: tuple[int, ...]
    since: Mapping[int, tuple[str, int]]
    window: float
    points: int


@dataclass(frozen=True, slots=True)
class Oversee:
    """Asks how sources stand, not for their ticks; `history` is the last of their events that the viewer has, None
    where he wants none."""

    id: int
    sources: tuple[int, ...]
    history: int | None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    id: int
    sub: int


@dataclass(frozen=True, slots=True)
class Ack:
    token: str


@dataclass(frozen=True, slots=True)
class Set:
    id: int
    rate: float | None
    visible: bool | None


@dataclass(frozen=True, slots=True)
class Pause:
    id: int
    on: bool


@dataclass(frozen=True, slots=True)
class Ping:
    id: int


Request = Hello | Subscribe | Oversee | Unsubscribe | Ack | Set | Pause | Ping


def plain_ack(text: str) -> str | None:
    """Returns the token of an acknowledgement in its plain form; None: it takes `parse` to say what this is."""
    found = _PLAIN_ACK.fullmatch(text)
    return found[1] if found else None


def parse(text: str, *, max_bytes: int, max_rate: float) -> Request:
    """Reads one text frame. Raises BadRequest for anything that is not a request of the protocol."""
    if len(text) > max_bytes or len(text.encode(errors="replace")) > max_bytes:
        raise BadRequest(f"A message may have {max_bytes} bytes")
    try:
        message = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise BadRequest("This is not JSON") from None
    if not isinstance(message, dict):
        raise BadRequest("A message is a JSON object")
    if _depth(message) > _MAX_DEPTH:
        raise BadRequest(f"A message nests {_MAX_DEPTH} levels at most")
    reader = _READERS.get(message["t"]) if isinstance(message.get("t"), str) else None
    request = message.get("id")
    request = request if _is_int(request) else None
    if reader is None:
        raise BadRequest("The type of this message is not known", request, strike=not isinstance(message.get("t"), str))
    try:
        return reader(message, max_rate)
    except BadRequest as error:
        raise BadRequest(error.msg, request) from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a name that comes twice: which of the two was meant, every reader decides differently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _depth(value: Any) -> int:
    """Returns how deep objects and lists nest; the limit of bytes bounds the work."""
    deepest, level = 0, [value]
    while level and deepest <= _MAX_DEPTH:
        deepest += 1
        children = (child for parent in level for child in (parent.values() if isinstance(parent, dict) else parent))
        level = [child for child in children if isinstance(child, dict | list)]
    return deepest


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_INT


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MAX_INT


def _is_storable(text: str) -> bool:
    """Tells whether a database takes the text: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _int(message: Mapping[str, Any], name: str) -> int:
    value = message.get(name)
    if not _is_int(value):
        raise BadRequest(f"`{name}` must be a whole number")
    return int(value)  # type: ignore[arg-type]  # _is_int has looked


def _bool(message: Mapping[str, Any], name: str) -> bool:
    value = message.get(name)
    if not isinstance(value, bool):
        raise BadRequest(f"`{name}` must be true or false")
    return value


def _hello(message: Mapping[str, Any], _: float) -> Request:
    build, ticket = message.get("build"), message.get("ticket")
    if not isinstance(build, str | None) or not isinstance(ticket, str | None):
        raise BadRequest("`build` and `ticket` are text or null")
    return Hello(_int(message, "v"), build or "", ticket)


def _subscribe(message: Mapping[str, Any], _: float) -> Request:
    dashboard, series, sources = message.get("dashboard"), message.get("series"), message.get("sources")
    if [dashboard, series, sources].count(None) != 2:
        raise BadRequest("A sub names either a dashboard or series or sources")
    if sources is not None:
        return _oversee(message, sources)
    if dashboard is not None and not (isinstance(dashboard, str) and _is_storable(dashboard)):
        raise BadRequest("`dashboard` is the name in its address")
    if series is not None and not (isinstance(series, list) and series and all(map(_is_int, series))):
        raise BadRequest("`series` is a list of ids")
    window, points = message.get("window", 0), message.get("points", 600)
    if not _is_number(window) or window < 0:
        raise BadRequest("`window` is a number of seconds, 0 or more")
    if not _is_int(points) or points < 1:
        raise BadRequest("`points` is a whole number, 1 or more")
    chosen = tuple(sorted(set(series or ())))
    return Subscribe(_int(message, "id"), dashboard, chosen, _since(message.get("since")), window, points)


def _oversee(message: Mapping[str, Any], sources: Any) -> Request:
    if not (isinstance(sources, list) and 0 < len(sources) <= _MAX_OVERSEEN and all(map(_is_int, sources))):
        raise BadRequest(f"`sources` is a list of 1 to {_MAX_OVERSEEN:,} ids")
    history = message.get("history")
    if history is not None and not (_is_int(history) and history >= 0):
        raise BadRequest("`history` is the number of an event, 0 or more")
    return Oversee(_int(message, "id"), tuple(sorted(set(sources))), history)


def _since(given: Any) -> dict[int, tuple[str, int]]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadRequest("`since` maps sources to [epoch, seq]")
    since = {}
    for src, place in given.items():
        if not (src.isascii() and src.isdigit() and len(src) < 16):
            raise BadRequest("`since` maps the ids of sources to [epoch, seq]")
        if not (isinstance(place, list) and len(place) == 2 and isinstance(place[0], str) and _is_int(place[1])):
            raise BadRequest(f"The position of source {src} in `since` must be [epoch, seq]")
        if place[1] < 0:
            raise BadRequest(f"The seq of source {src} in `since` must be 0 or more")
        since[int(src)] = (place[0], place[1])
    return since


def _unsubscribe(message: Mapping[str, Any], _: float) -> Request:
    return Unsubscribe(_int(message, "id"), _int(message, "sub"))


def _ack(message: Mapping[str, Any], _: float) -> Request:
    token = message.get("k")
    if not isinstance(token, str):
        raise BadRequest("`k` is the last token received")
    return Ack(token)


def _set(message: Mapping[str, Any], max_rate: float) -> Request:
    rate, visible = message.get("rate"), message.get("visible")
    if rate is not None and not (_is_number(rate) and (rate == 0 or 0.2 <= rate <= max_rate)):
        raise BadRequest(f"`rate` is 0 for every tick, or 0.2 to {max_rate:g} frames a second")
    if visible is not None and not isinstance(visible, bool):
        raise BadRequest("`visible` must be true or false")
    if rate is None and visible is None:
        raise BadRequest("A set names a `rate`, or whether the page is `visible`")
    return Set(_int(message, "id"), rate, visible)


def _pause(message: Mapping[str, Any], _: float) -> Request:
    return Pause(_int(message, "id"), _bool(message, "on"))


def _ping(message: Mapping[str, Any], _: float) -> Request:
    return Ping(_int(message, "id"))


_READERS: Mapping[str, Callable[[Mapping[str, Any], float], Request]] = {
    "hello": _hello,
    "sub": _subscribe,
    "unsub": _unsubscribe,
    "ack": _ack,
    "set": _set,
    "pause": _pause,
    "ping": _ping,
}
