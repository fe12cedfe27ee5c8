from __future__ import annotations

import pytest
from django.test import AsyncClient

from dashboard import ticklog
from dashboard.ticklog.memory import MemoryLog
from tests.unit.models.cast import Cast, assemble


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The API reads on threads of its own, which see only what is committed."""
    return assemble()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    log = MemoryLog()
    monkeypatch.setattr(ticklog, "current", lambda: log)
    return log


@pytest.fixture
def client() -> AsyncClient:
    return AsyncClient()
