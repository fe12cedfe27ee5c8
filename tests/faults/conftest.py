"""Gives the fault tests a cluster that most of them share, their chances, and their length."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.rig import Cluster, cluster


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """What decides all chances of this run."""
    chosen = request.config.getoption("--seed")
    return secrets.randbelow(10**6) if chosen is None else int(chosen)


@pytest.fixture
def chance(seed: int) -> random.Random:
    print(f"again with the same chances: --seed {seed}")
    return random.Random(seed)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """2 web processes, 2 workers, a Redis that keeps everything, a PostgreSQL; 20 sources of 100 ticks a second."""
    async with cluster(tmp_path_factory.mktemp("cluster")) as it:
        yield it


@pytest_asyncio.fixture
async def grown(shared: Cluster, request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """The shared cluster, healed from what the test before has done to it.

    Afterwards none of its processes may have logged a traceback, but for those that name a word which the test expects:
    `@pytest.mark.expects("ConnectionError")`.
    """
    await shared.heal()
    await shared.until_shared(30)
    mark = shared.mark()
    yield shared
    print(*(f"--- {name}\n{shared[name].text(mark[name])[-3000:]}" for name in mark if name != "postgres"), sep="\n")
    expected = [word for marker in request.node.iter_markers("expects") for word in marker.args]
    found = shared.tracebacks(mark, *expected)
    assert found == [], "\n".join(found)
