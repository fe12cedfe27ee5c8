"""Knows what each kind of panel can be told, and says in plain words what is wrong with what it was told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

LARGEST = sys.float_info.max


class Trouble(Exception):
    """A panel that cannot be shown; the text says why and what to do, to whoever may change it."""


def checked(kind: str, given: Any) -> dict[str, Any]:
    """Returns the options of the kind with their defaults; what another kind would understand is left out."""
    if not isinstance(given, dict):
        raise Trouble("Its options are not an object of names and values. Change them in the admin.")
    options = DEFAULTS[kind] | {name: value for name, value in given.items() if name in NAMES[kind]}
    for name, value in options.items():
        wanted, fits = CHECKS[name]
        if not fits(value):
            raise Trouble(f"Its option “{name}” must be {wanted}. Change it in the admin.")
    if "min" in options and "max" in options and options["min"] >= options["max"]:
        raise Trouble("Its option “min” must be less than “max”. Change them in the admin.")
    return options


def _is_number(value: Any) -> bool:
    # Compared, not asked whether it is finite: JSON has whole numbers that are too large for that question.
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


CHECKS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "scale": ("“value” or “percent”", lambda value: value in ("value", "percent")),
    "change": ("true or false", lambda value: isinstance(value, bool)),
    "min": ("a number", _is_number),
    "max": ("a number", _is_number),
    "resolution": (
        "1, 5, 15, 60, 300 or 900 seconds",
        lambda value: _is_number(value) and value in (1, 5, 15, 60, 300, 900),
    ),
    "sort": ("true or false", lambda value: isinstance(value, bool)),
    "markdown": ("a text", lambda value: isinstance(value, str)),
}
NAMES: Mapping[str, tuple[str, ...]] = {
    "stat": ("change",),
    "watchlist": (),
    "line": ("scale", "min", "max"),
    "candles": ("resolution",),
    "bars": ("scale", "sort", "min", "max"),
    "gauge": ("min", "max"),
    "sources": (),
    "text": ("markdown",),
}
DEFAULTS: Mapping[str, dict[str, Any]] = {
    "stat": {"change": True},
    "watchlist": {},
    "line": {"scale": "value"},
    "candles": {"resolution": 60},
    "bars": {"scale": "value", "sort": False},
    "gauge": {"min": 0, "max": 100},
    "sources": {},
    "text": {"markdown": ""},
}
