"""The database stands still, goes, is full, locked or read-only; live ticks do not notice, everything else says so."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import numpy as np
import psycopg
import pytest

from dashboard.live.answers import GRANT_SECONDS
from tests.faults.rig import Cluster, Resident, cluster
from tests.support.site import Person
from tests.support.viewer import Viewer

LATENCY_MS = 500
# Seconds for which any source may have been silent: less than a lease that is lost costs.
SILENCE = 5.0


def listen(viewers: Sequence[Resident]) -> float:
    """Begins to watch how long sources are silent; returns the time."""
    for viewer in viewers:
        viewer.source_silences()
    return time.monotonic()


def assert_live(viewers: Sequence[Resident], since: float, seconds: float) -> None:
    """The viewers got ticks of every source all the time since a moment, and fresh ones."""
    for viewer in viewers:
        assert max(viewer.source_silences().values()) <= SILENCE
        ages = viewer.ages_since(since)
        late = float(np.percentile(ages, 99))
        print(f"{viewer.name}: {len(ages)} frames in {seconds:.0f} s, p99 {late:.0f} ms")
        assert len(ages) >= 5 * seconds
        assert late <= LATENCY_MS
        assert viewer.returns == []
        assert viewer.byes == []
        assert all(books.gaps == [] for books in viewer.books.values())


async def asks(cluster: Cluster) -> tuple[float, str]:
    """Opens a new socket; returns how long it took to be served or sent away, and by which word."""
    began = time.monotonic()
    viewer = Viewer(cluster.urls[0], dashboard="ledger")
    await viewer.open()
    await viewer.until(lambda: viewer.first_data is not None or viewer.close_code is not None, 20)
    await viewer.close()
    if viewer.first_data is not None:
        return time.monotonic() - began, "served"
    return time.monotonic() - began, f"{viewer.byes[0]['code'] if viewer.byes else viewer.close_code}"


@contextmanager
def locked(cluster: Cluster, *tables: str) -> Iterator[None]:
    """Holds tables as a migration does."""
    assert cluster.postgres is not None
    with psycopg.connect(cluster.postgres.url) as connection:
        connection.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
        yield
        connection.rollback()


def terminate_all(cluster: Cluster) -> None:
    assert cluster.postgres is not None
    with cluster.postgres.connection() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


async def until_changes_work(cluster: Cluster, viewer: Resident, seconds: float) -> None:
    """A change of a source, made behind the site's back, is seen in time: the workers ask the database again."""
    assert cluster.postgres is not None
    (source,) = [number for number, row in viewer.names.items() if row["name"] == "ledger03"]
    for enabled, state in ((False, "stopped"), (True, "live")):
        with cluster.postgres.connection() as connection:
            connection.execute("UPDATE dashboard_datasource SET enabled = %s WHERE slug = 'ledger03'", (enabled,))
        await viewer.until(
            lambda state=state: viewer.states.get(source, [{"state": ""}])[-1]["state"] == state, seconds
        )


async def test_f14_the_database_stands_still(grown: Cluster, chance: random.Random, full: bool) -> None:
    """Fails without the time limit on questions of viewers in `live/connection.py`, and when anything on the way of a
    tick asks the database."""
    seconds = 30 if full else 8
    async with grown.audience(chance, 4) as viewers:
        began = listen(viewers)
        grown.stop("postgres")
        try:
            # Until the web process no longer knows what it was told before.
            await asyncio.sleep(GRANT_SECONDS + 1)
            took, word = await asks(grown)
            print(f"a new socket heard {word} after {took:.1f} s")
            assert took <= 10
            assert word == "4004"
            await asyncio.sleep(max(seconds - (time.monotonic() - began), 0))
            assert_live(viewers, began, time.monotonic() - began)
        finally:
            grown.cont("postgres")
        await until_changes_work(grown, viewers[0], 5)
        assert (await asks(grown))[1] == "served"
        assert all(books.gaps == [] for viewer in viewers for books in viewer.books.values())
        # The source that was stopped may give its last ticks again.
        await grown.assert_ledger(viewers, repeats=20)


async def test_f22_postgresql_cuts_everybody_off_and_restarts(grown: Cluster, chance: random.Random) -> None:
    """Fails without CONN_HEALTH_CHECKS, when a pool hands out connections that have ended (tried: 4 of 6 requests were
    answered with 503 afterwards), and when an error of the database ends a task of the worker."""
    async with grown.audience(chance, 4) as viewers:
        mark, began = grown.mark(), time.monotonic()
        terminate_all(grown)
        answers = [(await grown.get("/api/v1/sources", web))[0] for web in ("web1", "web2") for _ in range(3)]
        assert answers.count(503) <= 1
        assert set(answers) <= {200, 503}
        await until_changes_work(grown, viewers[0], 5)

        await grown.term("postgres")
        assert (await grown.get("/api/v1/sources"))[0] == 503
        assert (await grown.get("/d/ledger/"))[0] == 503
        await grown.start("postgres")
        await until_changes_work(grown, viewers[0], 5)
        answers = [(await grown.get("/api/v1/sources", web))[0] for web in ("web1", "web2") for _ in range(3)]
        assert answers.count(503) <= 1
        assert set(answers) <= {200, 503}
        assert (await asks(grown))[1] == "served"
        print(f"took {time.monotonic() - began:.1f} s")
        for viewer in viewers:
            assert viewer.returns == []
            assert all(books.gaps == [] for books in viewer.books.values())
        assert "has failed; it is started again" not in "".join(grown[name].text(mark[name]) for name in mark)
        # The source that was stopped may give its last ticks again.
        await grown.assert_ledger(viewers, repeats=20)


def take_all(cluster: Cluster, taken: contextlib.ExitStack) -> None:
    """Takes every connection that PostgreSQL has, those of the site as well."""
    assert cluster.postgres is not None
    mine: list[psycopg.Connection] = []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                connection = psycopg.connect(cluster.postgres.url, autocommit=True, connect_timeout=5)
                mine.append(taken.enter_context(contextlib.closing(connection)))
        rows = mine[0].execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'").fetchall()
        others = {row[0] for row in rows} - {connection.info.backend_pid for connection in mine}
        if not others:
            return
        for process in others:
            mine[0].execute("SELECT pg_terminate_backend(%s)", (process,))
    raise AssertionError("the site was quicker each time")


async def test_f23_others_take_every_connection(grown: Cluster, chance: random.Random) -> None:
    """Fails when a request without a connection looks like a defect (tried: 500), or when ticks need one."""
    ana = await asyncio.to_thread(Person(grown.urls[0]).sign_in, "ana", "ana likes numbers")
    async with grown.audience(chance, 4) as viewers:
        began = listen(viewers)
        with contextlib.ExitStack() as taken:
            await asyncio.to_thread(take_all, grown, taken)
            assert (await grown.get("/d/ledger/"))[0] == 503
            # Without a word about who she is, the admin would ask her to sign in, which takes no database.
            assert (await asyncio.to_thread(ana.get, "/admin/"))[0] == 503
            took, word = await asks(grown)
            assert took <= 10
            assert word == "4004"
            assert_live(viewers, began, time.monotonic() - began)
        await until_changes_work(grown, viewers[0], 10)
        assert (await grown.get("/d/ledger/"))[0] == 200
        assert (await asyncio.to_thread(ana.get, "/admin/"))[0] == 200
        assert all(books.gaps == [] for viewer in viewers for books in viewer.books.values())
        # The source that was stopped may give its last ticks again.
        await grown.assert_ledger(viewers, repeats=20)


async def test_f29_a_migration_holds_its_tables(grown: Cluster, chance: random.Random) -> None:
    """Fails when a tick, a lease or a heartbeat waits for a table."""
    async with grown.audience(chance, 4) as viewers:
        began = listen(viewers)
        with locked(grown, "dashboard_datasource", "dashboard_series", "dashboard_dashboard", "dashboard_sourcestatus"):
            await asyncio.sleep(10)
        assert_live(viewers, began, time.monotonic() - began)
        await until_changes_work(grown, viewers[0], 5)
        assert all(books.gaps == [] for viewer in viewers for books in viewer.books.values())
        # The source that was stopped may give its last ticks again.
        await grown.assert_ledger(viewers, repeats=20)


# --- one process and SQLite ---


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Cluster]:
    (folder / "database").mkdir()
    url = f"sqlite:///{folder / 'database' / 'site.sqlite3'}"
    async with cluster(folder, redis=None, postgres=False, sources=4, DATABASE_URL=url) as it:
        yield it


async def test_f8_a_power_cut_of_one_process(tmp_path: Path, chance: random.Random) -> None:
    """Fails when a new process goes on with an old epoch, or the database does not survive."""
    async with embedded(tmp_path) as it, it.audience(chance, 2) as viewers:
        await asyncio.sleep(2)
        it.kill("web1")
        began = time.monotonic()
        await it.heal()
        up = time.monotonic() - began
        await it.until(lambda: all(viewer.returns for viewer in viewers), 30, "everybody is back")
        assert up <= 10
        await asyncio.sleep(1)
        for viewer in viewers:
            for books in viewer.books.values():
                assert [gap["why"] for gap in books.gaps] == ["epoch"]
                assert books.gaps[0]["to"]
        with contextlib.closing(sqlite3.connect(tmp_path / "database" / "site.sqlite3")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        await it.assert_ledger(viewers)


@contextmanager
def directory_lost(folder: Path) -> Iterator[None]:
    folder.rename(folder.with_suffix(".away"))
    try:
        yield
    finally:
        folder.with_suffix(".away").rename(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write: not even root, whom a mode would not hold up."""
    path = folder / "site.sqlite3"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN IMMEDIATE")
        mode = path.stat().st_mode
        path.chmod(0o444)
        yield
        path.chmod(mode)
        database.execute("ROLLBACK")


@pytest.mark.parametrize("fault", [directory_lost, read_only])
async def test_f26_the_file_is_not_there_or_not_to_be_written(
    tmp_path: Path,
    chance: random.Random,
    full: bool,
    fault: Callable[[Path], contextlib.AbstractContextManager[None]],
) -> None:
    """Fails when an error of the database ends a task (tried: it was started again, and again)."""
    async with embedded(tmp_path) as it, it.audience(chance, 2) as viewers:
        mark, began = it.mark(), listen(viewers)
        with fault(tmp_path / "database"):
            await asyncio.sleep(12 if full else 7)
            assert_live(viewers, began, time.monotonic() - began)
            status, health = await it.get("/healthz")
            assert (status, json.loads(health)["down"]) == (200, [])
        said = it["web1"].text(mark["web1"])
        assert "it is started again" not in said
        assert len([line for line in said.splitlines() if "WARNING" in line or "ERROR" in line]) <= 30
        await asyncio.sleep(3)
        assert (await it.get("/d/ledger/"))[0] == 200
        assert all(books.gaps == [] for viewer in viewers for books in viewer.books.values())
        await it.assert_ledger(viewers)
