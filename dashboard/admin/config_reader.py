"""Turns what a person typed into the fields of a config into the config itself."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.admin.config_schema import Member
from dashboard.admin.json_object import MOST_CHARACTERS, StrictDecoder

# More rows in one form would run into Django's limit on form fields.
MOST_ROWS = 50


class Unread(str):
    """What was typed where JSON is wanted and could not be read; it is shown again as it was."""


@dataclass(slots=True)
class Typed:
    """What was typed: the config as far as it could be read, and by path why the rest could not.

    What is left out is to have its default. Secrets that were typed are in it; one to be taken away is None. `kept` is
    what was typed for other kinds, as JSON; `switched` says that another kind was chosen than the one that was shown.
    """

    given: dict[str, Any] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    kept: str = ""
    switched: bool = False


def read(members: Sequence[Member], data: Mapping[str, str], prefix: str) -> Typed:
    """Reads the fields whose names begin with the prefix. Numbers that are none stay texts: the schema complains."""
    # No database keeps the character of number zero in JSON.
    data = {name: text.replace("\0", "") for name, text in data.items() if name.startswith(f"{prefix}.")}
    typed = Typed()
    for member in members:
        _take(member, data, f"{prefix}.{member.name}", member.name, typed.given, typed.troubles)
    return typed


def _take(
    member: Member,
    data: Mapping[str, str],
    name: str,
    path: str,
    given: dict[str, Any],
    troubles: dict[str, str],
) -> None:
    text = data.get(name, "")
    if f"{name}.json" in data:
        _take_json(member, data[f"{name}.json"], path, given, troubles)
        return
    match member.shape:
        case "check":
            given[member.name] = name in data
        case "lines":
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            numbers = member.parts[0].shape == "number"
            given[member.name] = [_number(line, member.whole) if numbers else line for line in lines]
        case "pairs":
            rows = _rows(data, name)
            given[member.name] = {row["name"].strip(): row.get("value", "") for row in rows if row["name"].strip()}
        case "rows":
            given[member.name] = _objects(member, data, name, path, troubles)
        case "group":
            inner: dict[str, Any] = {}
            for part in member.parts:
                _take(part, data, f"{name}.{part.name}", f"{path}.{part.name}", inner, troubles)
            given[member.name] = inner
        case "secret":
            if f"{name}.clear" in data:
                given[member.name] = None
            elif text:
                given[member.name] = text
        case "json":
            pass  # it was not shown
        case _:
            _take_plain(member, text, given)


def _take_plain(member: Member, text: str, given: dict[str, Any]) -> None:
    # Line ends are the form's, not the person's.
    text = text.replace("\r\n", "\n") if member.shape == "area" else text.strip()
    if text:
        if member.shape == "number":
            given[member.name] = _number(text, member.whole)
        elif member.shape == "choice":
            given[member.name] = next((value for said, value, _ in member.choices if said == text), text)
        else:
            given[member.name] = text
    elif member.nullable:
        given[member.name] = None
    elif not member.required and member.shape in ("text", "url", "area"):
        given[member.name] = ""


def _take_json(member: Member, text: str, path: str, given: dict[str, Any], troubles: dict[str, str]) -> None:
    if not text.strip():
        if member.nullable:
            given[member.name] = None
        return
    if len(text) > MOST_CHARACTERS:
        troubles[path] = f"This is longer than {MOST_CHARACTERS:,} characters."
        given[member.name] = Unread(text[:MOST_CHARACTERS])
        return
    try:
        given[member.name] = json.loads(text, cls=StrictDecoder)
    except json.JSONDecodeError as error:
        given[member.name] = Unread(text)
        troubles[path] = f"This is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."


def _objects(
    member: Member, data: Mapping[str, str], name: str, path: str, troubles: dict[str, str]
) -> list[dict[str, Any]]:
    """Reads rows; one in which nothing was typed is none."""
    found: list[dict[str, Any]] = []
    for number, row in _numbered(data, name):
        if not any(_is_typed(part, row.get(part.name, "").strip()) for part in member.parts):
            continue
        given: dict[str, Any] = {}
        for part in member.parts:
            where = f"{path}.{len(found)}.{part.name}"
            _take(part, data, f"{name}.{number}.{part.name}", where, given, troubles)
        found.append(given)
    return found


def _is_typed(cell: Member, text: str) -> bool:
    """Tells whether a cell says that its row is meant: what an untouched row holds does not."""
    return cell.shape not in ("check", "choice") and text not in ("", str(cell.default))


def _rows(data: Mapping[str, str], name: str) -> list[dict[str, str]]:
    return [{"name": "", **row} for _, row in _numbered(data, name)]


def _numbered(data: Mapping[str, str], name: str) -> list[tuple[int, dict[str, str]]]:
    rows: dict[int, dict[str, str]] = {}
    for key in data:
        found = re.fullmatch(re.escape(name) + r"\.([0-9]{1,4})\.(\w+)", key)
        if found:
            rows.setdefault(int(found[1]), {})[found[2]] = data[key]
    return sorted(rows.items())[:MOST_ROWS]


def _number(text: str, whole: bool) -> int | float | str:
    try:
        number = int(text) if whole or re.fullmatch(r"[+-]?[0-9]+", text) else float(text)
        return number if math.isfinite(number) else text
    except (ValueError, OverflowError):  # the latter from a whole number of hundreds of digits
        return text
