"""Holds the one site that most live tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.site import Site, site


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running site that tests leave as they found it; deadlines that a test waits for are shortened."""
    with site(tmp_path_factory.mktemp("shared"), TICKWALL_HELLO_SECONDS="1", TICKWALL_HEARTBEAT_SECONDS="2") as it:
        yield it
