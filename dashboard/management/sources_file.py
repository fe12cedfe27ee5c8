"""Turns sources into a file that people write and review, and such a file into sources. Secrets are in neither."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from django.core.exceptions import ValidationError

from dashboard.admin.json_object import StrictDecoder
from dashboard.feeds.completion import aim, complete
from dashboard.feeds.registry import AnyFeed, BadConfig, UnknownKind, kind, secret_names
from dashboard.models import DataSource, Series
from dashboard.models.secrets import Unreadable, seal, unseal

FIELDS = ("name", "kind", "enabled", "cadence", "max_series", "config")
# What a file says of a series: each where it is not as here.
SERIES = {"label": "", "unit": "", "decimals": None, "text": False, "hidden": False}
FORMATS = ("yaml", "json")
# Stands for a secret that is not there yet, to see whether the rest would be accepted with one.
PLACEHOLDER = "a secret that is not set yet"


class Faults(Exception):
    """What is wrong with a file, a sentence each."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = list(sentences)
        super().__init__("\n".join(self.sentences))


@dataclass(frozen=True, slots=True)
class Change:
    """A source as a file wants it, with those of its series of which the file speaks. `before` and `after` are its
    entries; `missing` are secrets that are to be set."""

    source: DataSource
    series: tuple[Series, ...]
    before: dict[str, Any]
    after: dict[str, Any]
    missing: tuple[str, ...]

    @property
    def is_one(self) -> bool:
        return self.before != self.after

    def save(self) -> None:
        self.source.save()
        for row in self.series:
            row.source = self.source
            row.save()

    def difference(self) -> str:
        """Returns the lines that change, as a patch has them."""
        lines = difflib.unified_diff(
            write([self.before], "yaml").splitlines() if self.before else [],
            write([self.after], "yaml").splitlines(),
            f"{self.source.slug} here" if self.before else "nothing",
            f"{self.source.slug} in the file",
            lineterm="",
        )
        return "\n".join(lines)


def entry(source: DataSource, series: Iterable[Series]) -> dict[str, Any]:
    """Returns a source as it stands in a file: its secrets by name only, of its series those of which there is more to
    say than their key."""
    said = {"slug": source.slug, **{field: getattr(source, field) for field in FIELDS}}
    if names := sorted(_stored(source)):
        said["secrets"] = names
    rows = [
        {"key": row.key, **{name: value for name, plain in SERIES.items() if (value := getattr(row, name)) != plain}}
        for row in sorted(series, key=lambda row: row.key)
    ]
    if told := [row for row in rows if len(row) > 1]:
        said["series"] = told
    return said


def write(entries: Iterable[dict[str, Any]], form: str) -> str:
    """Returns the entries as YAML or JSON."""
    if form == "json":
        return json.dumps({"sources": list(entries)}, indent=2, ensure_ascii=False) + "\n"
    return yaml.safe_dump({"sources": list(entries)}, sort_keys=False, allow_unicode=True, width=100)


def read(text: str, form: str) -> list[dict[str, Any]]:
    """Returns the entries of a file, or raises Faults."""
    try:
        found = json.loads(text, cls=StrictDecoder) if form == "json" else yaml.safe_load(text)
        # YAML knows dates, sets and numbers that are none; a config is kept as JSON.
        found = json.loads(json.dumps(found, allow_nan=False), cls=StrictDecoder)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise Faults([f"The file is no {form.upper()} that can be kept: {' '.join(str(error).split())}"]) from None
    entries = found.get("sources") if isinstance(found, dict) else None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise Faults(["The file must hold “sources”, a list of them, as manage.py source export writes it."])
    return entries


def plan(entries: Sequence[dict[str, Any]]) -> list[Change]:
    """Returns what the entries would change, in their order; raises Faults if there is anything wrong with any."""
    faults: list[str] = []
    changes: list[Change] = []
    seen: set[str] = set()
    for number, given in enumerate(entries, 1):
        slug = given.get("slug")
        name = slug if isinstance(slug, str) and slug else f"source number {number}"
        if name in seen:
            faults.append(f"{name}: it is there twice.")
            continue
        seen.add(name)
        try:
            changes.append(_change(given))
        except Faults as error:
            faults += [f"{name}: {sentence}" for sentence in error.sentences]
    if faults:
        raise Faults(faults)
    return changes


def _change(given: dict[str, Any]) -> Change:
    strange = given.keys() - {"slug", "secrets", "series", *FIELDS}
    faults = [f"{name}: there is no such field." for name in sorted(strange)]
    if not isinstance(given.get("slug"), str) or not isinstance(given.get("kind"), str):
        faults.append("It needs a slug and a kind.")
    if faults:
        raise Faults(faults)
    source = DataSource.objects.filter(slug=given["slug"]).first() or DataSource(slug=given["slug"], name=given["slug"])
    known = {row.key: row for row in source.series.all()} if source.pk else {}
    before = entry(source, known.values()) if source.pk else {}
    kind_before, config_before, stored = source.kind, source.config, _stored(source)
    for field in FIELDS:
        if field in given:
            setattr(source, field, given[field])
    source.config, missing = _config(source, kind_before, config_before, stored)
    named = given.get("secrets") or []
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise Faults(["secrets: a list of names is wanted; their values are set apart."])
    missing = tuple(dict.fromkeys([*missing, *(name for name in named if name not in _stored(source))]))
    try:
        source.full_clean(validate_unique=False)
    except ValidationError as error:
        raise Faults([f"{field}: {' '.join(said)}" for field, said in error.message_dict.items()]) from None
    except OverflowError:  # Django's own field of numbers knows nothing of whole ones of hundreds of digits
        raise Faults(["cadence: A number of seconds is wanted."]) from None
    series = _series(given.get("series") or [], known)
    after = {**known, **series}
    if series and len(after) > source.max_series:
        raise Faults([f"series: there would be {len(after):,}, and max_series is {source.max_series:,}."])
    return Change(source, tuple(series.values()), before, entry(source, after.values()), missing)


def _series(given: Any, known: Mapping[str, Series]) -> dict[str, Series]:
    """Returns the rows of which the file speaks, as it wants them. What it does not say of one stays."""
    if not isinstance(given, list) or not all(
        isinstance(one, dict) and isinstance(one.get("key"), str) for one in given
    ):
        raise Faults(["series: a list is wanted, each of them with a key."])
    faults: list[str] = []
    rows: dict[str, Series] = {}
    for one in given:
        key = one["key"]
        row = rows[key] = known.get(key) or Series(key=key)
        faults += [f"series {key}: {name}: there is no such field." for name in sorted(one.keys() - {"key", *SERIES})]
        for name in SERIES.keys() & one.keys():
            setattr(row, name, one[name])
        try:
            row.full_clean(exclude=["source"], validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            faults += [f"series {key}: {field}: {' '.join(said)}" for field, said in error.message_dict.items()]
    if len(rows) < len(given):
        faults.append("series: a key is there twice.")
    if faults:
        raise Faults(faults)
    return rows


def _config(
    source: DataSource, kind_before: str, config_before: Any, stored: dict[str, str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Completes the config of a source, and returns it with the secrets that it still needs.

    Secrets that would go to another kind or another host than until now are taken away.
    """
    try:
        feed = kind(source.kind)
    except UnknownKind as error:
        raise Faults([str(error)]) from None
    if not isinstance(source.config, dict):
        raise Faults(["config: names and values are wanted."])
    names = secret_names(feed)
    if typed := [name for name in names if name in source.config]:
        raise Faults([f"{name} is a secret; leave it out, and set it apart: manage.py source secret" for name in typed])
    try:
        config, missing = _accepted(feed, source.config, stored)
    except BadConfig as error:
        raise Faults([f"{path or 'config'}: {sentence}" for path, sentence in error.fields]) from None
    if stored and (source.kind != kind_before or aim(config) != aim(_filled(feed, config_before, stored))):
        source.secrets = ""
        return config, tuple(name for name in stored if name in names)
    return config, missing


def _accepted(
    feed: type[AnyFeed], config: dict[str, Any], stored: dict[str, str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Returns the completed config and the fewest secrets that it lacks; raises BadConfig if it is not for them."""
    absent = [name for name in secret_names(feed) if name not in stored]
    for lacking in [(), *((name,) for name in absent), tuple(absent)]:
        try:
            return complete(feed, config, {**stored, **dict.fromkeys(lacking, PLACEHOLDER)})[0], lacking
        except BadConfig:
            continue
    # Said as it is without any.
    return complete(feed, config, stored)[0], ()


def _filled(feed: type[AnyFeed], config: dict[str, Any], stored: dict[str, str]) -> dict[str, Any]:
    try:
        return complete(feed, config, stored)[0]
    except BadConfig:
        return config


def _stored(source: DataSource) -> dict[str, str]:
    try:
        return unseal(source.secrets)
    except Unreadable:
        return {}


def set_secret(source: DataSource, name: str, value: str) -> None:
    """Sets one secret of a source and saves it; an empty one is taken away. Raises Faults or NoKey."""
    feed = kind(source.kind)
    names = secret_names(feed)
    if name not in names:
        known = f"It has: {', '.join(names)}." if names else "It has none."
        raise Faults([f"The kind {source.kind} has no secret called {name}. {known}"])
    secrets = {**_stored(source), name: value}
    if not value:
        del secrets[name]
    try:
        # Another one may still be missing; what is wrong with this one is said.
        _accepted(feed, source.config, secrets)
    except BadConfig as error:
        raise Faults([f"{path or 'config'}: {sentence}" for path, sentence in error.fields]) from None
    source.secrets = seal(secrets)
    source.save(update_fields=["secrets", "updated"])
