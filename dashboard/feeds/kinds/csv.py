"""Runs the rows that are written to a CSV file: one tick a column that is of interest."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard.feeds import folders
from dashboard.feeds.base import KEY_CHARACTERS, Feed, FeedBatch, FeedConfig, FeedError, SeriesSpec
from dashboard.feeds.payload import TimeFormat, milliseconds, number
from dashboard.feeds.tail import Lines, Tail

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


class Column(BaseModel):
    """A column to take."""

    model_config = ConfigDict(extra="forbid")

    column: str = Field(min_length=1, max_length=200, title="Column", description="Its name in the first row.")
    key: str = Field("", max_length=KEY_CHARACTERS, title="Key", description="Name of its series. Empty: the column's.")
    label: str = Field("", max_length=100, title="Label")
    unit: str = Field("", max_length=30, title="Unit", description="As in °C or USD.")
    decimals: int | None = Field(None, ge=0, le=12, title="Decimals", description="Empty: as many as come.")
    text: bool = Field(False, title="Text", description="The values are texts, such as “running”.")


class CsvConfig(FeedConfig):
    path: str = Field(
        min_length=1,
        max_length=1000,
        title="File",
        description="Its whole path. It has to be in a folder that the operator allows.",
        examples=["/srv/plant/line4.csv"],
    )
    columns: list[Column] = Field(
        [],
        max_length=1000,
        title="Columns",
        description="What to take. Empty: every column that has numbers, under its own name.",
    )
    time: str = Field(
        "", max_length=200, title="Time", description="The column with the time. Empty: the moment of reading."
    )
    time_format: TimeFormat = Field(
        "auto",
        title="Form of the time",
        description="Milliseconds or seconds since 1970, or ISO 8601 (UTC unless it says otherwise); auto finds out.",
    )
    delimiter: Literal["comma", "semicolon", "tab", "bar"] = Field(
        "comma", title="Delimiter", description="What stands between two values."
    )
    names: list[str] = Field(
        [],
        max_length=1000,
        title="Names",
        description="Names of the columns for a file without a first row that has them.",
    )
    start: Literal["end", "beginning"] = Field(
        "end",
        title="Start",
        description="end: only rows that are written from now on. beginning: a new source begins with those that "
        "are there.",
    )
    interval: float = Field(
        0.5, ge=0.1, le=3600, title="Interval", description="Seconds between two looks at the file."
    )


class CsvFeed(Feed[CsvConfig]):
    kind = "csv"
    label = "CSV file"
    Config = CsvConfig
    # Who writes it, and how often, is not known here.
    ticks_by_itself = False

    def __init__(self, config: CsvConfig) -> None:
        super().__init__(config)
        self._names: list[str] = list(config.names)

    def series(self) -> Sequence[SeriesSpec]:
        return [
            SeriesSpec(each.key or each.column, each.label, each.unit, each.decimals, each.text)
            for each in self.config.columns
        ]

    async def past(self) -> AsyncIterator[FeedBatch]:
        if self.config.start != "beginning":
            return
        with closing(Tail(self.config.path, folders.opened)) as tail:
            more = True
            while more:
                found = await asyncio.to_thread(tail.read)
                yield self._batch(found)
                self._remember(tail)
                more = found.more

    async def run(self) -> AsyncIterator[FeedBatch]:
        """Yields what is written from now on, or since the last run stopped."""
        with closing(Tail(self.config.path, folders.opened, self.memory.get("place"))) as tail:
            if "place" in self.memory:
                self._names = self.memory["names"]
            else:
                # The first row says what the columns are; the others were there before.
                self._batch(await asyncio.to_thread(tail.read))
                await asyncio.to_thread(tail.skip)
                self._remember(tail)
            while True:
                found = await asyncio.to_thread(tail.read)
                batch = self._batch(found)
                if batch.keys or batch.refused:
                    yield batch
                self._remember(tail)
                if not found.more:
                    await asyncio.sleep(self.config.interval)

    def _remember(self, tail: Tail) -> None:
        self.memory.update(place=tail.place, names=self._names)

    def _batch(self, found: Lines) -> FeedBatch:
        # Some programs begin a file with a mark of its byte order.
        lines = [line.removeprefix("\ufeff") for line in found.lines]
        if found.anew and not self.config.names:
            self._names = []
        rows = csv.reader(lines, delimiter=_DELIMITERS[self.config.delimiter])
        keys: list[str] = []
        values: list[float | str] = []
        times: list[int] = []
        refused = [(why, "") for why in found.lost]
        try:
            for row in rows:
                if not self._names:
                    self._learn(row)
                    continue
                if row:
                    self._take(row, keys, values, times, refused)
        except csv.Error as error:
            refused.append(("rows that are not CSV", str(error)))
        return FeedBatch(keys, values, times if self.config.time else None, refused=refused)

    def _learn(self, row: Sequence[str]) -> None:
        names = [name.strip() for name in row]
        wanted = [each.column for each in self.config.columns] + ([self.config.time] if self.config.time else [])
        missing = [name for name in wanted if name not in names]
        if missing:
            there = ", ".join(names)[:150]
            raise FeedError(f"the file has no column “{missing[0]}”; it has: {there}")
        self._names = names

    def _take(
        self,
        row: Sequence[str],
        keys: list[str],
        values: list[float | str],
        times: list[int],
        refused: list[tuple[str, str]],
    ) -> None:
        cells = {name: cell.strip() for name, cell in zip(self._names, row, strict=False)}
        time = 0
        if self.config.time:
            try:
                time = milliseconds(cells.get(self.config.time), self.config.time_format)
            except ValueError as error:
                refused.append((f"{error} in “{self.config.time}”", cells.get(self.config.time, "")[:60]))
                return
        for key, value, why in self._values(cells):
            if why:
                refused.append((why, key))
            else:
                keys.append(key)
                values.append(value)
                times.append(time)

    def _values(self, cells: Mapping[str, str]) -> list[tuple[str, float | str, str]]:
        """Returns key, value and what is wrong with it for each cell that has something."""
        found: list[tuple[str, float | str, str]] = []
        if not self.config.columns:
            for name, cell in cells.items():
                if name != self.config.time and cell:
                    try:
                        found.append((name, number(cell), ""))
                    except ValueError:
                        continue  # a column of texts that nobody asked for
        for each in self.config.columns:
            cell, key = cells.get(each.column, ""), each.key or each.column
            if not cell:
                continue  # not every row has something in every column
            try:
                found.append((key, cell if each.text else number(cell), ""))
            except ValueError as error:
                found.append((key, 0.0, f"{error} in “{each.column}”"))
        return found
