"""Holds what all tests share: the database, the private servers, and how hypothesis searches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.support import site
from tests.support.environment import DATABASE_URL, GROWN, PRIVATE_DIR
from tests.support.promise import AGAIN
from tests.support.services import postgres_server, redis_server

TESTS = Path(__file__).parent
# Where tests wait for processes, sockets and a browser, and share the machine with them.
REAL = ("live", "browser", "faults", "unit/feeds/kinds")

# No deadline: a machine that is busy with something else is not a failed property.
hypothesis.settings.register_profile("tickwall", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tickwall")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Puts the test database of SQLite into a file.

    SQLite's databases in memory belong to one connection, or lock whole tables when shared; database work that is
    offloaded to threads (dashboard/models/offload.py) brings its own connections. Such tests must commit:
    `@pytest.mark.django_db(transaction=True)`.
    """
    from django.db import connections

    if not GROWN:
        connections.settings["default"]["TEST"]["NAME"] = str(PRIVATE_DIR / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Leaves a test database on PostgreSQL, which threads may hold connections to, to go away with its server."""
    return GROWN


@pytest.fixture(autouse=True)
def private_var(settings: Any, tmp_path: Path) -> Path:
    """Gives each test a folder of its own in place of var/."""
    settings.VAR_DIR = tmp_path / "var"
    settings.VAR_DIR.mkdir()
    settings.STATIC_ROOT = settings.VAR_DIR / "static"
    return settings.VAR_DIR


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Runs a test of real processes again that missed its moment, twice at most; never one that broke a promise.

    The summary names those that were (RERUN), and shows by what. Of the unit tests a run on PostgreSQL takes those that
    use the database: to the others it is the same run.
    """
    if GROWN:
        same = [item for item in items if item.path.is_relative_to(TESTS / "unit") and not _uses_the_database(item)]
        config.hook.pytest_deselected(items=same)
        items[:] = [item for item in items if item not in set(same)]
    for item in items:
        if any(item.path.is_relative_to(TESTS / folder) for folder in REAL):
            item.add_marker(AGAIN)


def _uses_the_database(item: pytest.Item) -> bool:
    asked: list[str] = getattr(item, "fixturenames", [])
    return item.get_closest_marker("django_db") is not None or not {"db", "transactional_db"}.isdisjoint(asked)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--grown",
        action="store_true",
        help="run sites on Redis and PostgreSQL with a worker of their own, instead of everything in one process; and "
        "of the unit tests those that use the database, on PostgreSQL",
    )
    parser.addoption(
        "--full",
        action="store_true",
        help="run the tests of faults and of cuts at full length instead of the short form",
    )
    parser.addoption("--seed", type=int, help="the seed of the fault tests' chances; a failed run prints its own")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the figures of the design are to be met at full length (make test-faults), or in the short form."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session", autouse=True)
def engines(request: pytest.FixtureRequest) -> None:
    """Has the sites of this run use Redis and PostgreSQL, if that was asked for."""
    if GROWN:
        site.ENGINES = site.Engines(request.getfixturevalue("redis_url"), request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a Redis of the tests' own, empty at the start, shared by the session."""
    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL database of the tests' own, shared by the session."""
    if GROWN:
        yield DATABASE_URL
        return
    with postgres_server() as url:
        yield url
