"""Picks ticks out of JSON: which values, under which keys, of what time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dashboard.feeds.base import KEY_CHARACTERS, FeedBatch, FeedConfig, SeriesSpec
from dashboard.feeds.payload import NotJson, TimeFormat, decode, made_of, milliseconds, number, numbers, text
from dashboard.feeds.words import one_line

# Items of one payload that are looked at, and numbers that are found in it when nothing says which are wanted.
MOST_ITEMS = 10_000
# Bytes of a payload from which on a thread reads it: the loop has others to serve.
_LARGE = 32_768
_GROUP: dict[str, Any] = {"group": "Values"}


def _compiling(text: str) -> str:
    try:
        if text:
            jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        raise ValueError(f"This is not an expression of JMESPath. {one_line(str(error).partition(':')[2])}") from None
    return text


Path = Annotated[str, Field(max_length=500), AfterValidator(_compiling)]


class Value(BaseModel):
    """A value to pick."""

    model_config = ConfigDict(extra="forbid")

    path: Path = Field(min_length=1, title="Path", description="Where the value is, in JMESPath: main.temp, data[0].v")
    key: str = Field("", max_length=KEY_CHARACTERS, title="Key", description="Name of its series. Empty: the path.")
    label: str = Field("", max_length=100, title="Label")
    unit: str = Field("", max_length=30, title="Unit", description="As in °C or USD.")
    decimals: int | None = Field(None, ge=0, le=12, title="Decimals", description="Empty: as many as come.")
    text: bool = Field(False, title="Text", description="The values are texts, such as “running”.")
    optional: bool = Field(False, title="May be missing", description="It is no fault when nothing is at the path.")


class Extraction(FeedConfig):
    """The part of a config that says which values of a JSON payload become ticks."""

    series: list[Value] = Field(
        [],
        max_length=1000,
        title="Values",
        description="What to pick. Empty: every number that there is, named by where it stands.",
        examples=[[{"path": "main.temp", "key": "temperature", "unit": "°C", "decimals": 1}]],
        json_schema_extra=_GROUP,
    )
    items: Path = Field(
        "",
        title="List",
        description="For a payload with many things of a sort: where their list (or object) is. Values, key, time and "
        "volume are then looked up in each of them.",
        examples=["data.tickers"],
        json_schema_extra=_GROUP,
    )
    item_key: Path = Field(
        "",
        title="Key of an item",
        description="Where an item says its name. Empty: its name in an object, its place in a list.",
        examples=["symbol"],
        json_schema_extra=_GROUP,
    )
    time: Path = Field(
        "",
        title="Time",
        description="Where the time of the values is. Empty: the moment of arrival.",
        examples=["timestamp"],
        json_schema_extra=_GROUP,
    )
    time_format: TimeFormat = Field(
        "auto",
        title="Form of the time",
        description="Milliseconds or seconds since 1970, or ISO 8601 (UTC unless it says otherwise); auto finds out.",
        json_schema_extra=_GROUP,
    )
    volume: Path = Field(
        "",
        title="Volume",
        description="Where the volume is, for what is traded.",
        examples=["quantity"],
        json_schema_extra=_GROUP,
    )

    @model_validator(mode="after")
    def _keys_differ(self) -> Extraction:
        keys = [_key(value, bool(self.items)) for value in self.series]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"Two values have the key “{key}”." if key else "Two values need two keys.")
        return self


@dataclass(slots=True)
class _Rows:
    """What a payload gives; `refused` is as in FeedBatch."""

    hidden: Collection[str]
    keys: list[str] = field(default_factory=list)
    values: list[float | str] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    volumes: list[float | None] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    series: list[SeriesSpec] = field(default_factory=list)
    # What was told of the payload and of its items: each is looked at once, however many rows of it are refused.
    _told: dict[int, str] = field(default_factory=dict)

    def made_of(self, found: Any) -> str:
        told = self._told.get(id(found))
        if told is None:
            told = self._told[id(found)] = made_of(found, self.hidden)
        return told


class Extractor:
    """Turns payloads into batches as a config says.

    What cannot be read becomes a refused row with its reason: a source whose other values come goes on, and says so.
    `hidden` are secrets that a payload might echo; no message quotes them.
    """

    def __init__(self, config: Extraction, hidden: Collection[str] = ()) -> None:
        self._config = config
        self._hidden = hidden
        self._paths = {path: jmespath.compile(path) for path in _paths(config)}
        # Keys of items whose series have been described; so many at most.
        self._described: set[str] = set()

    def series(self) -> Sequence[SeriesSpec]:
        """Returns the series that are known before the first payload: none when they depend on it."""
        return [] if self._config.items else [_spec(value, _key(value, False)) for value in self._config.series]

    async def read(self, body: bytes | str) -> FeedBatch:
        """Turns a payload of JSON into a batch, or raises NotJson."""
        if len(body) > _LARGE:
            return await asyncio.to_thread(self._read, body)
        return self._read(body)

    def hear(self, body: bytes | str) -> FeedBatch:
        """Turns one message of many into a batch, at once; what is not JSON is a refused row."""
        try:
            return self._read(body)
        except NotJson as error:
            return FeedBatch([], [], refused=[("a message is not JSON", one_line(str(error)))])

    async def take(self, body: bytes | str) -> FeedBatch:
        """Does the same for one message of many: what is not JSON is a refused row, and the next one may be better."""
        try:
            return await self.read(body)
        except NotJson as error:
            return FeedBatch([], [], refused=[("a message is not JSON", one_line(str(error)))])

    def batch(self, payload: Any) -> FeedBatch:
        """Turns a payload that is decoded already into a batch."""
        rows = _Rows(self._hidden)
        for name, item in self._items(payload, rows):
            self._pick(name, item, payload, rows)
        config = self._config
        return FeedBatch(
            rows.keys,
            rows.values,
            rows.times if config.time else None,
            rows.volumes if config.volume else None,
            refused=rows.refused,
            series=rows.series,
        )

    def _read(self, body: bytes | str) -> FeedBatch:
        return self.batch(decode(body, self._hidden))

    def _items(self, payload: Any, rows: _Rows) -> Iterator[tuple[str | None, Any]]:
        """Yields the things of a payload with their names; the payload itself has none."""
        if not self._config.items:
            yield None, payload
            return
        found = self._find(self._config.items, payload)
        if isinstance(found, dict):
            named: Iterator[tuple[Any, Any]] = iter(found.items())
        elif isinstance(found, list):
            named = enumerate(found)
        else:
            rows.refused.append((f"no list at “{self._config.items}”", f"the payload is {rows.made_of(payload)}"))
            return
        for place, (name, item) in enumerate(named):
            if place == MOST_ITEMS:
                rows.refused.append((f"more than {MOST_ITEMS:,} items", ""))
                return
            found_name = self._find(self._config.item_key, item) if self._config.item_key else name
            if isinstance(found_name, str | int | float) and found_name != "":
                yield str(found_name), item
            else:
                rows.refused.append((f"no key at “{self._config.item_key}”", f"the item is {rows.made_of(item)}"))

    def _pick(self, name: str | None, item: Any, payload: Any, rows: _Rows) -> None:
        config = self._config
        time, volume = 0, None
        if config.time:
            found = self._find(config.time, item)
            found = self._find(config.time, payload) if found is None else found
            try:
                time = milliseconds(found, config.time_format)
            except ValueError as error:
                rows.refused.append((f"{error} at “{config.time}”", f"the payload is {rows.made_of(payload)}"))
                return
        if config.volume:
            volume = _volume(self._find(config.volume, item))
        for key, value in self._values(name, item, rows):
            rows.keys.append(key)
            rows.values.append(value)
            rows.times.append(time)
            rows.volumes.append(volume)

    def _values(self, name: str | None, item: Any, rows: _Rows) -> Iterator[tuple[str, float | str]]:
        if not self._config.series:
            count = 0
            for key, each in numbers(item, name or ""):
                count += 1
                if count > MOST_ITEMS:
                    rows.refused.append((f"more than {MOST_ITEMS:,} numbers", ""))
                    return
                yield key, each
            if not count:
                rows.refused.append(("no number in it", f"the payload is {rows.made_of(item)}"))
        for value in self._config.series:
            found = self._find(value.path, item)
            if found is None and value.optional:
                continue
            own = _key(value, name is not None)
            key = own if name is None else f"{name}.{own}" if own else name
            try:
                taken = text(found) if value.text else number(found)
            except ValueError as error:
                rows.refused.append((f"{error} at “{value.path}”", f"the payload is {rows.made_of(item)}"))
                continue
            if name is not None:
                self._describe(value, name, key, rows)
            yield key, taken

    def _describe(self, value: Value, name: str, key: str, rows: _Rows) -> None:
        if key not in self._described and len(self._described) < MOST_ITEMS:
            self._described.add(key)
            rows.series.append(_spec(value, key, f"{name} {value.label}" if value.label else ""))

    def _find(self, path: str, payload: Any) -> Any:
        try:
            return self._paths[path].search(payload)
        except (JMESPathError, TypeError, ArithmeticError, RecursionError):
            # A function that does not fit what came: nothing is found.
            return None


def _volume(found: Any) -> float | None:
    if found is None:
        return None
    try:
        return number(found)
    except ValueError:
        return nan


def _paths(config: Extraction) -> set[str]:
    return {config.items, config.item_key, config.time, config.volume, *(each.path for each in config.series)} - {""}


def _key(value: Value, in_item: bool) -> str:
    return value.key or ("" if in_item else value.path[:KEY_CHARACTERS])


def _spec(value: Value, key: str, label: str | None = None) -> SeriesSpec:
    return SeriesSpec(key, value.label if label is None else label, value.unit, value.decimals, value.text)
