"""Tests the kind `postgres` against a real one: what it reads, that it cannot write, and how long it waits."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from dashboard.feeds.base import FeedBatch, FeedError
from dashboard.feeds.kinds import postgres as module
from dashboard.feeds.kinds.postgres import PostgresFeed
from dashboard.feeds.registry import BadConfig, validated
from tests.unit.feeds.kinds.reading import error, first


class Plant:
    """A database with a table of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.table = f"plant_{secrets.token_hex(4)}"

    async def tell(self, command: str) -> list[Any]:
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            cursor = await connection.execute(command.replace("plant", self.table).encode())
            return await cursor.fetchall() if cursor.description else []

    def feed(self, **config: Any) -> PostgresFeed:
        address = f"postgres://127.0.0.1:{urlsplit(self.url).port}/tickwall"
        given = {"url": address, "username": "tickwall", "interval": 0.2, **config}
        if "query" in given:
            given["query"] = given["query"].replace("plant", self.table)
        return PostgresFeed(validated(PostgresFeed, given))  # type: ignore[arg-type]


@pytest.fixture
async def plant(postgres_url: str, local_addresses: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Plant]:
    monkeypatch.setattr(module, "WAIT", 0.05)
    plant = Plant(postgres_url)
    await plant.tell("CREATE TABLE plant (name text, t numeric, at timestamptz)")
    await plant.tell("INSERT INTO plant VALUES ('cellar', 11.5, '2026-11-22 14:57:15Z'), ('attic', 19, now())")
    yield plant
    await plant.tell("DROP TABLE plant")


async def test_the_columns_of_a_row_are_series(plant: Plant) -> None:
    query = "SELECT count(*) AS sensors, max(t) AS warmest, 'x' AS word FROM plant WHERE name LIKE '%a%'"
    [batch] = await first(plant.feed(query=query))
    assert dict(zip(batch.keys, batch.values, strict=True)) == {"sensors": 2.0, "warmest": 19.0}


async def test_rows_are_named_by_a_column_and_have_their_own_time(plant: Plant) -> None:
    one = plant.feed(
        query="SELECT name, t, at FROM plant ORDER BY name DESC",
        row_key="name",
        time="at",
        series=[{"path": "t", "unit": "°C"}],
    )
    async with asyncio.timeout(30), aclosing(one.run()) as batches:  # type: ignore[type-var]
        batch = await anext(batches)
        assert (list(batch.keys), list(batch.values)) == (["cellar", "attic"], [11.5, 19.0])
        assert next(iter(batch.times or [])) == 1795359435000
        assert [(it.key, it.unit) for it in batch.series] == [("cellar", "°C"), ("attic", "°C")]
        assert list((await anext(batches)).keys) == [], "the same time as before is no news"
        await plant.tell("UPDATE plant SET t = 12, at = now() WHERE name = 'cellar'")
        while not (batch := await anext(batches)).keys:
            pass
        assert (list(batch.keys), list(batch.values)) == (["cellar"], [12.0])


async def test_many_rows_without_a_name_are_said(plant: Plant) -> None:
    [batch] = await first(plant.feed(query="SELECT t FROM plant ORDER BY t"))
    assert list(batch.values) == [11.5]
    assert batch.refused[0][0] == "2 rows where one is expected"


async def test_an_answer_of_any_length_is_cut(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 10)
    one = plant.feed(query="SELECT n AS name, n AS t FROM generate_series(1, 10000000) AS n", row_key="name")
    [batch, again] = await first(one, 2)
    assert len(batch.keys) == len(again.keys) == 10
    assert batch.refused == [("more than 10 rows", "")]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM plant RETURNING 1 AS n",
        "SELECT 1 AS n; DELETE FROM plant",
        "COMMIT; DELETE FROM plant",
        "WITH gone AS (DELETE FROM plant RETURNING 1) SELECT count(*) FROM gone",
        "SELECT set_config('transaction_read_only', 'off', false), 1 AS n FROM plant",
        "DROP TABLE plant",
    ],
)
async def test_a_query_cannot_write(plant: Plant, query: str) -> None:
    assert (await error(plant.feed(query=query))).startswith("PostgreSQL: ")
    assert await plant.tell("SELECT count(*) FROM plant") == [(2,)]


async def test_a_slow_query_is_given_up_and_the_next_run_goes_on(plant: Plant) -> None:
    assert await error(plant.feed(query="SELECT pg_sleep(60)", timeout=0.3)) == "the query took longer than 0.3 s"
    assert len(await first(plant.feed(query="SELECT 1 AS n"), 2)) == 2


async def test_what_is_notified_is_read_as_json(plant: Plant) -> None:
    one = plant.feed(mode="listen", channel='Plant "1"', series=[{"path": "t"}])
    async with asyncio.timeout(30), aclosing(one.run()) as batches:  # type: ignore[type-var]
        assert list((await anext(batches)).keys) == []
        for payload in ('{"t": 1}', "nonsense", '{"t": 2}'):
            await plant.tell(f'NOTIFY "Plant ""1""", \'{payload}\''.replace("plant", "Plant"))
        values: list[Any] = []
        refused: list[str] = []
        while len(values) < 2:
            batch = await anext(batches)
            values += batch.values
            refused += [why for why, _ in batch.refused]
    assert (values, refused) == ([1.0, 2.0], ["a message is not JSON"])


async def test_a_connection_that_is_cut_is_said(plant: Plant) -> None:
    one = plant.feed(mode="listen", channel="c")
    async with asyncio.timeout(30), aclosing(one.run()) as batches:  # type: ignore[type-var]
        await anext(batches)
        await plant.tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tickwall'")
        with pytest.raises(FeedError, match="connection"):
            await _drain(batches)


async def _drain(batches: AsyncIterator[FeedBatch]) -> None:
    async for _ in batches:
        pass


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "a query is needed"),
        ({"mode": "listen"}, "a channel is needed"),
        ({"query": "SELECT 1", "timeout": 11}, "less than or equal to 10"),
        ({"query": "SELECT 1", "url": "postgres://ana:sesame@127.0.0.1/x"}, "login"),
        ({"query": "SELECT 1", "url": "mysql://127.0.0.1/x"}, "postgres://"),
        ({"query": "SELECT '\0'"}, "NUL"),
    ],
)
def test_a_config_that_cannot_work_is_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        validated(PostgresFeed, {"url": "postgres://127.0.0.1/x", "username": "ana", **config})


async def test_it_reaches_only_what_sources_may_reach() -> None:
    config = {"url": "postgres://127.0.0.1/x", "username": "ana", "query": "SELECT 1"}
    assert "TICKWALL_SOURCE_ALLOW_PRIVATE" in await error(PostgresFeed(validated(PostgresFeed, config)))  # type: ignore[arg-type]
