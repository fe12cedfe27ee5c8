"""Reads settings from the environment, and refuses what is not what a setting takes."""

from __future__ import annotations

import zoneinfo
from logging import getLevelNamesMapping
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = frozenset({"true", "on", "ok", "y", "yes", "1"}), frozenset({"false", "off", "n", "no", "0", ""})


class Environment(environ.Env):  # type: ignore[misc]  # it has no types
    """The library takes what it does not understand for false, and of a number whatever digits it has: 1e5 was 15."""

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **options: Any) -> Any:
        text = self.ENVIRON.get(var)
        if text is None or cast not in (bool, int, float, list):
            return super().get_value(var, cast, default, **options)
        text = text.strip()
        if cast is list:
            return [part.strip() for part in text.split(",") if part.strip()]
        if cast is bool:
            if text.lower() not in TRUE | FALSE:
                raise ImproperlyConfigured(f"{var} is {text!r}. It must be on or off.")
            return text.lower() in TRUE
        try:
            return cast(text)
        except ValueError:
            wanted = "a whole number" if cast is int else "a number"
            raise ImproperlyConfigured(f"{var} is {text!r}. It must be {wanted}, and nothing else.") from None

    def zone(self, var: str, default: str) -> str:
        """Reads the name of a time zone."""
        name: str = self.str(var, default=default)
        try:
            zoneinfo.ZoneInfo(name)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            raise ImproperlyConfigured(f"{var} is {name!r}. It must be a time zone, as in Europe/Vienna.") from None
        return name

    def level(self, var: str, default: str) -> str:
        """Reads from which level on things are logged."""
        name: str = self.str(var, default=default).upper()
        if name not in getLevelNamesMapping():
            raise ImproperlyConfigured(f"{var} is {name!r}. It must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
        return name
