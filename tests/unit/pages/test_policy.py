"""What the answers say to browsers besides their content."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from dashboard.ticklog.memory import MemoryLog
from tests.unit.models.cast import Cast

NONCE = re.compile(r"'nonce-([^']+)'")


def policy(answer: HttpResponse) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


@pytest.mark.parametrize("address", ["/", "/d/board/", "/d/nothing/", "/accounts/login/", "/admin/login/"])
def test_nothing_inline_and_nothing_from_elsewhere_may_run(
    cast: Cast, log: MemoryLog, client: Client, address: str
) -> None:
    answer = client.get(address)
    rules = policy(answer)
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == ["'none'"]
    assert rules["connect-src"] == rules["form-action"] == rules["font-src"] == ["'self'"]
    for name in ("script-src", "style-src"):
        assert [value for value in rules[name] if not value.startswith("'nonce-")] == ["'self'"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", answer.content.decode())


def test_each_answer_has_its_own_nonce_on_everything_that_it_carries(
    cast: Cast, log: MemoryLog, client: Client
) -> None:
    seen = set()
    for _ in range(2):
        answer = client.get("/d/board/")
        (nonce,) = set(NONCE.findall(answer.headers["Content-Security-Policy"]))
        elements = re.findall(r"<(?:script|style)\b[^>]*>", answer.content.decode())
        carried = [element for element in elements if "application/json" not in element]
        assert carried
        assert all(f'nonce="{nonce}"' in element for element in carried)
        seen.add(nonce)
    assert len(seen) == 2


def test_the_import_map_comes_before_the_modules(cast: Cast, log: MemoryLog, client: Client) -> None:
    html = client.get("/d/board/").content.decode()
    assert html.index('type="importmap"') < html.index('rel="modulepreload"') < html.index('type="module"')


def test_a_closed_dashboard_and_a_missing_one_offer_the_same_sign_in(
    cast: Cast, log: MemoryLog, client: Client
) -> None:
    cast.board.visibility = "signed-in"
    cast.board.save()
    closed, missing = client.get("/d/board/"), client.get("/d/nothing/")
    assert closed.status_code == missing.status_code == 404
    assert closed.content.replace(b"/d/board/", b"/d/nothing/") == missing.content
    assert b"/accounts/login/?next=/d/board/" in closed.content
    client.force_login(cast.cy)
    assert client.get("/d/board/").status_code == 200


def test_a_failure_is_told_in_the_same_look(
    cast: Cast, log: MemoryLog, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("dashboard.views.titles", fail)
    client.raise_request_exception = False
    answer = client.get("/d/board/")
    assert answer.status_code == 500
    assert b"Something went wrong on the server" in answer.content
    assert b"secret" not in answer.content


def test_a_form_without_its_token_is_refused_in_the_same_look(cast: Cast) -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "cy"})
    assert answer.status_code == 403
    assert b"This was not allowed" in answer.content


def test_a_wrong_password_is_said_beside_the_form(cast: Cast, client: Client) -> None:
    html = client.post("/accounts/login/", {"username": "<b>", "password": "x"}).content.decode()
    assert 'role="alert"' in html
    assert 'value="&lt;b&gt;"' in html
