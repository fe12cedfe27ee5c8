from __future__ import annotations

import logging

import pytest
from django.test import Client

from config.logs import Outside


def test_a_strange_host_costs_a_line_of_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(outside := Outside())
    try:
        assert client.get("/api/v1/session", headers={"host": "evil.example"}).status_code == 400
    finally:
        caplog.handler.removeFilter(outside)
    assert "evil.example" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("name", "level", "kept"),
    [
        ("django.security.DisallowedHost", logging.ERROR, False),
        ("django.request", logging.WARNING, False),
        ("django.request", logging.ERROR, True),
        ("dashboard.live.hub", logging.WARNING, True),
    ],
)
def test_a_defect_keeps_its_traceback(name: str, level: int, kept: bool) -> None:
    record = logging.LogRecord(name, level, "", 0, "said", (), (ValueError, ValueError("x"), None))
    assert Outside().filter(record)
    assert bool(record.exc_info) is kept
