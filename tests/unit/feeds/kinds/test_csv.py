from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from dashboard.feeds import folders
from dashboard.feeds.base import FeedBatch, FeedError, SeriesSpec
from dashboard.feeds.kinds.csv import CsvFeed
from dashboard.feeds.registry import validated


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    folders.allow([str(tmp_path)])
    path = tmp_path / "line4.csv"
    path.write_text("at;Temp;state\n")
    yield path
    folders.allow([])


def feed(file: Path, **config: Any) -> CsvFeed:
    given = {"path": str(file), "delimiter": "semicolon", "interval": 0.1, **config}
    return CsvFeed(validated(CsvFeed, given))  # type: ignore[arg-type]


def write(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def rotate(file: Path, text: str) -> None:
    file.rename(file.with_suffix(".1"))
    file.write_text(text)


async def rows(batches: AsyncIterator[FeedBatch], number: int = 1) -> list[tuple[str, float | str]]:
    """Returns at least so many ticks, and those that came with the last of them."""
    found: list[tuple[str, float | str]] = []
    async with asyncio.timeout(20):
        while len(found) < number:
            batch = await anext(batches)
            found += zip(batch.keys, batch.values, strict=True)
    return found


async def started(one: CsvFeed) -> AsyncIterator[FeedBatch]:
    """Returns the feed's batches from when it has passed over what is there."""
    batches = one.run()
    first = asyncio.ensure_future(anext(batches))
    async with asyncio.timeout(20):
        while "place" not in one.memory:  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.01)

    async def all_of() -> AsyncIterator[FeedBatch]:
        async with aclosing(batches):  # type: ignore[type-var]
            try:
                yield await first
                async for batch in batches:
                    yield batch
            finally:
                first.cancel()

    return all_of()


async def test_only_what_is_written_from_now_on_is_taken(file: Path) -> None:
    write(file, "x;1;old\n")
    batches = await started(feed(file))
    write(file, "x;2.5;new\n")
    async with aclosing(batches):  # type: ignore[type-var]
        assert await rows(batches) == [("Temp", 2.5)]


async def test_columns_are_taken_as_they_are_described(file: Path) -> None:
    columns = [{"column": "Temp", "key": "t", "unit": "°C", "decimals": 1}, {"column": "state", "text": True}]
    one = feed(file, columns=columns, time="at")
    assert list(one.series()) == [SeriesSpec("t", "", "°C", 1), SeriesSpec("state", text=True)]
    batches = await started(one)
    async with aclosing(batches):  # type: ignore[type-var]
        write(file, "2026-11-22T20:00:00Z;21.5;runs\n1795381201;;\nnever;3;x\n2026-11-22T20:00:02Z;hot;jam\n")
        batch = await anext(batches)
    assert list(zip(batch.keys, batch.values, batch.times or (), strict=True)) == [
        ("t", 21.5, 1795377600000),
        ("state", "runs", 1795377600000),
        ("state", "jam", 1795377602000),
    ]
    assert batch.refused == [("not a time in “at”", "never"), ("no number in “Temp”", "t")]


async def test_a_new_source_may_begin_with_what_is_there(file: Path) -> None:
    write(file, "x;1;a\nx;2;b\nx;3")
    one = feed(file, start="beginning")
    past = [value async for batch in one.past() for value in batch.values]
    assert past == [1.0, 2.0]
    batches = one.run()
    write(file, ";c\n")
    async with aclosing(batches):  # type: ignore[type-var]
        assert await rows(batches) == [("Temp", 3.0)]


async def test_the_next_run_goes_on_where_the_last_one_stopped(file: Path) -> None:
    one = feed(file)
    batches = await started(one)
    write(file, "x;1;a\n")
    async with aclosing(batches):  # type: ignore[type-var]
        assert await rows(batches) == [("Temp", 1.0)]
        write(file, "x;2;a\n")
        assert await rows(batches) == [("Temp", 2.0)]
    write(file, "x;3;a\n")
    another = feed(file)
    another.memory = one.memory
    again = another.run()
    async with aclosing(again):  # type: ignore[type-var]
        # The second was given, but whether it was taken is not known.
        assert (await rows(again, 2))[-1] == ("Temp", 3.0)


async def test_names_may_be_given_for_a_file_without_them(file: Path) -> None:
    batches = await started(feed(file, names=["at", "a", "b"]))
    write(file, "x;1;2\n")
    async with aclosing(batches):  # type: ignore[type-var]
        assert await rows(batches) == [("a", 1.0), ("b", 2.0)]


async def test_a_new_file_says_anew_what_its_columns_are(file: Path) -> None:
    batches = await started(feed(file))
    async with aclosing(batches):  # type: ignore[type-var]
        rotate(file, '\ufeff"Other";at\n7;x\n')
        assert await rows(batches) == [("Other", 7.0)]


async def test_a_column_that_is_not_there_is_said_with_those_that_are(file: Path) -> None:
    with pytest.raises(FeedError, match=r"has no column “Tmp”; it has: at, Temp, state"):
        await anext(feed(file, columns=[{"column": "Tmp"}]).run())


async def test_a_file_that_nobody_allowed_is_not_read(file: Path) -> None:
    folders.allow([])
    with pytest.raises(FeedError, match="TICKWALL_SOURCE_FOLDERS"):
        await anext(feed(file).run())
