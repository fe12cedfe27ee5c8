"""Runs what a PostgreSQL says: the answer to a query that is asked again and again, or notifications."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row
from pydantic import Field, SecretStr, field_validator, model_validator

from dashboard.feeds import reach
from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, FeedError, SeriesSpec
from dashboard.feeds.batches import NOTHING, join
from dashboard.feeds.extract import Extraction, Extractor
from dashboard.feeds.schedule import Schedule
from dashboard.feeds.words import one_line

# Seconds to connect, and above what the database allows a query until it is given up here.
PATIENCE = 10.0
GRACE = 2.0
# Seconds between two signs of life while nobody notifies, and notifications that are taken in at once.
WAIT = 2.0
TOGETHER = 500
# Rows of an answer that are read.
MOST_ROWS = 10_000


class Asking(FeedConfig):
    url: Annotated[str, reach.url("postgres", "postgresql")] = Field(
        title="URL",
        description="Where the database is, with its name and without a login.",
        examples=["postgres://192.168.1.20:5432/plant"],
    )
    username: str = Field(
        min_length=1,
        max_length=63,
        title="User",
        description="One who may read what is asked for, and nothing else.",
        json_schema_extra={"group": "Authentication"},
    )
    password: SecretStr | None = Field(
        None, title="Password", description="Empty: none.", json_schema_extra={"group": "Authentication"}
    )
    encryption: Literal["prefer", "require", "verify-full", "disable"] = Field(
        "prefer",
        title="Encryption",
        description="verify-full also checks the certificate, with the authorities that this machine trusts.",
        json_schema_extra={"group": "Authentication"},
    )
    mode: Literal["query", "listen"] = Field(
        "query", title="What to do", description="Ask a query again and again, or listen to a channel of NOTIFY."
    )
    query: str = Field(
        "",
        max_length=20_000,
        title="Query",
        description="One statement that reads. Its columns are the values.",
        json_schema_extra={"multiline": True},
        examples=["SELECT count(*) AS orders, sum(total) AS revenue FROM orders WHERE day = current_date"],
    )
    row_key: str = Field(
        "",
        max_length=63,
        title="Column of the key",
        description="For an answer of many rows: the column that names the series of a row. Empty: there is one row.",
    )
    interval: float = Field(
        10.0, ge=0.2, le=86_400, title="Interval", description="Seconds between two queries; the cadence too."
    )
    timeout: float = Field(10.0, ge=0.1, le=10, title="Patience", description="Seconds that a query may take.")
    channel: str = Field(
        "", max_length=63, title="Channel", description="To listen to; what is notified is read as JSON."
    )

    @field_validator("query", "channel", "username", "row_key")
    @classmethod
    def _is_text(cls, text: str) -> str:
        if "\0" in text:
            raise ValueError("A text for PostgreSQL has no NUL.")
        return text

    @model_validator(mode="after")
    def _says_what_to_do(self) -> Asking:
        if not (self.query if self.mode == "query" else self.channel).strip():
            raise ValueError(f"To {self.mode}, a {'query' if self.mode == 'query' else 'channel'} is needed.")
        return self


class PostgresConfig(Extraction, Asking):
    pass


class PostgresFeed(Feed[PostgresConfig]):
    kind = "postgres"
    label = "PostgreSQL (query or notifications)"
    Config = PostgresConfig

    def __init__(self, config: PostgresConfig) -> None:
        super().__init__(config)
        self._password = config.password.get_secret_value() if config.password else None
        # The rows of an answer are a list of things of a sort, whatever else is to be picked out of them.
        rows = config.model_copy(update={"items": "rows", "item_key": f'"{_quoted(config.row_key)}"'})
        many = config.mode == "query" and bool(config.row_key)
        self._extractor = Extractor(rows if many else config, [self._password] if self._password else [])
        # Keys with their times in the last answer: a row of the same time as before is no news.
        self._known: set[tuple[str, int]] = set()

    def series(self) -> Sequence[SeriesSpec]:
        return self._extractor.series()

    async def run(self) -> AsyncIterator[FeedBatch]:
        try:
            async with self._connected() as connection:
                batches = self._asked(connection) if self.config.mode == "query" else self._heard(connection)
                async for batch in batches:
                    yield batch
        except psycopg.errors.QueryCanceled:
            raise FeedError(f"the query took longer than {self.config.timeout:g} s") from None
        except psycopg.Error as error:
            raise FeedError(f"PostgreSQL: {one_line(str(error)) or 'the connection is lost'}") from None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection[dict[str, Any]]]:
        config = self.config
        target = reach.target(config.url, "postgres", "postgresql")
        found = await reach.addresses(target.host, target.port)
        async with asyncio.timeout(PATIENCE + GRACE):
            connection = await AsyncConnection.connect(
                # The addresses that were checked, and the name for the certificate alone.
                host=",".join([target.host] * len(found)),
                hostaddr=",".join(found),
                port=target.port,
                dbname=unquote(urlsplit(config.url).path.strip("/")) or config.username,
                user=config.username,
                password=self._password or "",
                sslmode=config.encryption,
                sslrootcert="system" if config.encryption == "verify-full" else None,
                gssencmode="disable",
                # Passwords that lie about on this machine are not for sources.
                passfile="/dev/null/none",
                connect_timeout=int(PATIENCE),
                keepalives_idle=10,
                options=f"-c default_transaction_read_only=on -c statement_timeout={int(config.timeout * 1000)}",
                application_name="tickwall",
                row_factory=dict_row,
            )
        try:
            await connection.set_read_only(True)
            yield connection
        finally:
            await connection.close()

    # --- queries ---

    async def _asked(self, connection: AsyncConnection[dict[str, Any]]) -> AsyncIterator[FeedBatch]:
        config = self.config
        schedule = Schedule(time.monotonic() - config.interval, config.interval, patience=0)
        while True:
            await asyncio.sleep(schedule.wait(time.monotonic()))
            schedule.take(time.monotonic())
            try:
                async with asyncio.timeout(config.timeout + GRACE):
                    rows, more = await self._rows(connection)
            except TimeoutError:
                raise FeedError(f"the query took longer than {config.timeout:g} s") from None
            yield self._news(self._picked(rows, more))

    async def _rows(self, connection: AsyncConnection[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
        """Asks in a transaction that can only read. Read as a stream, an answer of any length costs no more memory."""
        rows: list[dict[str, Any]] = []
        async with connection.cursor() as cursor:
            # Sent in a form that takes one statement only.
            async for row in cursor.stream(self.config.query.encode()):
                if len(rows) == MOST_ROWS:
                    break
                rows.append({name: _value(value) for name, value in row.items()})
            else:
                await connection.rollback()
                return rows, False
        await connection.rollback()
        return rows, True

    def _picked(self, rows: list[dict[str, Any]], more: bool) -> FeedBatch:
        refused = [(f"more than {MOST_ROWS:,} rows", "")] if more else []
        if self.config.row_key:
            # A key is a name, also where it is a number.
            named = [row | {self.config.row_key: str(row.get(self.config.row_key, ""))} for row in rows]
            batch = self._extractor.batch({"rows": named})
        elif not rows:
            batch = NOTHING
        else:
            batch = self._extractor.batch(rows[0])
            if len(rows) > 1:
                refused.append((f"{len(rows):,} rows where one is expected", "name the column of the key"))
        return replace(batch, refused=[*batch.refused, *refused])

    def _news(self, batch: FeedBatch) -> FeedBatch:
        if batch.times is None:
            return batch
        known = set(zip(batch.keys, batch.times, strict=True))
        new = [row for row, one in enumerate(zip(batch.keys, batch.times, strict=True)) if one not in self._known]
        self._known = known
        return replace(
            batch,
            keys=[batch.keys[row] for row in new],
            values=[batch.values[row] for row in new],
            times=[batch.times[row] for row in new],
            volumes=None if batch.volumes is None else [batch.volumes[row] for row in new],
        )

    # --- notifications ---

    async def _heard(self, connection: AsyncConnection[dict[str, Any]]) -> AsyncIterator[FeedBatch]:
        await connection.set_autocommit(True)
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self.config.channel)))
        while True:
            batches: list[FeedBatch] = []
            async for notification in connection.notifies(timeout=WAIT, stop_after=1):
                batches.append(self._extractor.hear(notification.payload))
            if not batches:
                # Silence may be that of a line that is dead.
                async with asyncio.timeout(PATIENCE):
                    await connection.execute("SELECT 1")
                yield NOTHING
                continue
            async for notification in connection.notifies(timeout=0, stop_after=TOGETHER):
                batches.append(self._extractor.hear(notification.payload))
            yield join(batches, time.time_ns() // 1_000_000)


def _quoted(name: str) -> str:
    """Returns a name as it stands between quotes in JMESPath."""
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _value(value: Any) -> Any:
    """Returns a value of the database as it would be in JSON."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, str | int | float | list | Mapping):
        return value
    return str(value)
