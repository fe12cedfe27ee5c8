"""Turns what somebody tells a kind of source into what is kept: a config with its defaults, and the secrets apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from dashboard.feeds.registry import AnyFeed, secret_names, validated


def complete(
    kind: type[AnyFeed], given: Mapping[str, Any], stored: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns config and secrets to keep; what was left out is filled in, what was given stays as it was given.

    A secret that is given replaces the stored one, an empty one leaves it, and None takes it away. Raises BadConfig
    with what the kind does not accept.
    """
    names = secret_names(kind)
    typed = {name: given[name] for name in names if given.get(name) not in (None, "")}
    kept = {name: value for name, value in (stored or {}).items() if name in names and given.get(name, "") is not None}
    secrets = {**kept, **typed}
    config = {name: value for name, value in given.items() if name not in names}
    filled = validated(kind, config, secrets).model_dump(mode="json", by_alias=True)
    return {name: value for name, value in {**filled, **config}.items() if name not in names}, secrets


# Fields that say where a source connects to, or who could listen on the way.
_AIM = re.compile(
    r"(.*_)?(url|uri|dsn|host|hostname|port|server|broker|address|endpoint|proxy|scheme|tls|ssl)"
    r"|(verify|insecure|encrypt|authority).*"
)


def aim(config: Any) -> frozenset[tuple[str, str]]:
    """Returns where a config would send its secrets to: two with equal aims may share them.

    Of a URL that is the origin, for its path and query change with what is asked for.
    """
    return frozenset(_aims("", config))


def _aims(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _aims(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _aims(f"{path}.{number}", inner)
    elif isinstance(value, str) and "://" in value:
        yield path, _origin(value)
    elif _AIM.fullmatch(path.rpartition(".")[2].lower()):
        yield path, str(value)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    return f"{parts.scheme}://{parts.netloc}".lower()
