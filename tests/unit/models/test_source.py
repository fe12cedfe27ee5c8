"""Tests what a worker's last words are worth."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.models import SourceStatus


@pytest.mark.parametrize(
    ("state", "seconds", "word"),
    [("live", 5, "live"), ("live", 60, "down"), ("late", 60, "down"), ("stopped", 60, "stopped")],
)
def test_a_state_stands_while_a_worker_confirms_it(state: str, seconds: float, word: str) -> None:
    said = SourceStatus(state=state, message="so it said", updated=timezone.now() - timedelta(seconds=seconds))
    now, message = said.current
    assert now == word
    assert message.startswith("No worker has spoken of it since") == (word == "down")
