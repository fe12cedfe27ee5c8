"""Holds what the tests of kinds share: a server that misbehaves on demand, on an address that sources may reach."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from dashboard.feeds import reach
from tests.support.unruly import Unruly


@pytest.fixture
def local_addresses() -> Iterator[None]:
    reach.allow(["127.0.0.0/8", "::1"])
    yield
    reach.allow([])


@pytest.fixture
async def unruly(local_addresses: None) -> AsyncIterator[Unruly]:
    server = Unruly()
    await server.start()
    yield server
    await server.stop()
