"""Finds the kinds of sources: one module of `feeds/kinds` each, or one that was added by its name, imported when first
asked for."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from dashboard.feeds import kinds as kinds_package
from dashboard.feeds.base import Feed, FeedConfig
from dashboard.feeds.words import complaints, plain

logger = logging.getLogger(__name__)

AnyFeed = Feed[Any]


class UnknownKind(LookupError):
    """There is no such kind, or its module does not load; the text says which kinds there are."""


class BadConfig(ValueError):
    """A config that its kind does not accept. `fields` holds (field, sentence) pairs; the text joins them."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self.fields = fields
        super().__init__("; ".join(f"{field or 'config'}: {sentence}" for field, sentence in fields))


class Registry:
    """Holds the kinds found in a package. A module that fails to load is an error of that kind alone."""

    def __init__(self, package: ModuleType) -> None:
        self._package = package
        self._added: dict[str, str] = {}
        self._loaded: dict[str, type[AnyFeed] | str] = {}

    def add(self, module: str) -> None:
        """Makes the kind of a module that lies elsewhere known, under the last part of its dotted name."""
        self._added[module.rpartition(".")[2]] = module

    def kinds(self) -> Mapping[str, type[AnyFeed]]:
        """Returns the kinds that load, by name, in alphabetical order."""
        found = {name: self._load(name) for name in self._names()}
        return {name: feed for name, feed in found.items() if not isinstance(feed, str)}

    def errors(self) -> Mapping[str, str]:
        """Returns why the other kinds do not load, by name."""
        found = {name: self._load(name) for name in self._names()}
        return {name: why for name, why in found.items() if isinstance(why, str)}

    def kind(self, name: str) -> type[AnyFeed]:
        """Returns a kind or raises UnknownKind."""
        if name not in self._names():
            known = ", ".join(self.kinds()) or "none"
            raise UnknownKind(f"There is no kind of source called “{name}”. Known kinds: {known}.")
        found = self._load(name)
        if isinstance(found, str):
            raise UnknownKind(f"The kind of source “{name}” cannot be loaded: {found}")
        return found

    def _names(self) -> list[str]:
        # A leading underscore marks a module that belongs to a kind without being one.
        modules = pkgutil.iter_modules(self._package.__path__)
        return sorted({module.name for module in modules if not module.name.startswith("_")} | self._added.keys())

    def _load(self, name: str) -> type[AnyFeed] | str:
        if name not in self._loaded:
            try:
                self._loaded[name] = self._find(name)
            except Exception as error:
                logger.exception("kind of source cannot be loaded", extra={"kind": name})
                self._loaded[name] = plain(error)
        return self._loaded[name]

    def _find(self, name: str) -> type[AnyFeed]:
        module = importlib.import_module(self._added.get(name, f"{self._package.__name__}.{name}"))
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Feed) and getattr(thing, "kind", None) == name:
                if not (hasattr(thing, "label") and hasattr(thing, "Config")):
                    raise TypeError(f"{thing.__name__} needs a label and a Config")
                secret_names(thing)
                return thing
        raise TypeError(f"the module has no Feed whose kind is “{name}”")


@lru_cache(maxsize=256)
def secret_names(kind: type[AnyFeed]) -> tuple[str, ...]:
    """Returns the fields of a kind's config that are secrets: those of type SecretStr, or SecretStr | None.

    Raises TypeError if one lies deeper, where it could not be kept apart from the rest.
    """
    schema = kind.Config.model_json_schema()
    names = tuple(name for name, drawn in schema.get("properties", {}).items() if _is_secret(drawn))
    rest = {name: drawn for name, drawn in schema.get("properties", {}).items() if name not in names}
    if _holds_secret([rest, schema.get("$defs")]):
        raise TypeError(f"{kind.Config.__name__} hides a secret inside a field; a secret is a field of its own")
    return names


def _is_secret(drawn: Mapping[str, Any]) -> bool:
    forms = [form for form in drawn.get("anyOf", [drawn]) if form.get("type") != "null"]
    return len(forms) == 1 and bool(forms[0].get("writeOnly"))


def _holds_secret(drawn: Any) -> bool:
    if isinstance(drawn, dict):
        return drawn.get("writeOnly") is True or any(_holds_secret(part) for part in drawn.values())
    return isinstance(drawn, list) and any(_holds_secret(part) for part in drawn)


def validated(kind: type[AnyFeed], config: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> FeedConfig:
    """Returns a config with its secrets as its kind's schema understands them, or raises BadConfig."""
    names = secret_names(kind)
    if secrets:
        config = {**config, **{name: value for name, value in secrets.items() if name in names}}
    try:
        return kind.Config.model_validate(config)
    except ValidationError as error:
        given = [config.get(name) for name in names] if isinstance(config, Mapping) else []
        raise BadConfig(complaints(error, [value for value in given if isinstance(value, str)])) from None


_registry = Registry(kinds_package)
add = _registry.add
kinds = _registry.kinds
errors = _registry.errors
kind = _registry.kind
