"""Tests what is answered when something is not there, or goes wrong."""

from __future__ import annotations

import json
import logging

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from config.errors import server_error


@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_address_of_the_api_is_answered_as_json(client: Client, settings: object, debug: bool) -> None:
    settings.DEBUG = debug  # type: ignore[attr-defined]  # Django's own page would take over
    strict = Client(enforce_csrf_checks=True)
    for answer in (
        client.get("/api/v1/nothing"),
        client.get("/api/v1/"),
        strict.post("/api/v1/sources/", {}),
        client.get("/api/v2/sources"),
    ):
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/json"
        said = json.loads(answer.content)
        assert said["code"] == "not_found"
        assert answer.request["PATH_INFO"] in said["msg"]


def test_elsewhere_it_is_a_page(client: Client) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def failed(error: Exception) -> HttpResponse:
    try:
        raise error
    except Exception:
        return server_error(RequestFactory().get("/"))


def test_a_database_that_is_away_is_503_and_a_defect_is_500() -> None:
    for error in (OperationalError("gone"), InterfaceError("closed")):
        answer = failed(error)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    for error in (KeyError("a defect"), DataError("what was asked for makes no sense"), IntegrityError("twice")):
        answer = failed(error)
        assert answer.status_code == 500
        assert "Retry-After" not in answer


def test_a_request_without_a_database_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A defect keeps its traceback."""
    logger = logging.getLogger("django.request")
    for error in (OperationalError("the connection\nis lost"), ZeroDivisionError("a defect")):
        try:
            raise error
        except Exception:
            logger.error("%s: %s", "Answered", "/d/ledger/", exc_info=True)
    away, defect = caplog.records
    assert (away.levelname, away.getMessage()) == ("WARNING", "Answered: /d/ledger/ (the connection is lost)")
    assert away.exc_info is None
    assert (defect.levelname, defect.getMessage()) == ("ERROR", "Answered: /d/ledger/")
    assert defect.exc_info is not None
