from __future__ import annotations

import pytest
from django.test import Client

from tests.unit.models.cast import Cast, assemble


@pytest.fixture
def cast(transactional_db: None) -> Cast:  # the views read on threads, which see what was committed
    return assemble()


def test_the_list_and_the_page_of_a_private_dashboard_are_for_those_who_may_see_it(client: Client, cast: Cast) -> None:
    for user, may in ((None, False), (cast.cy, False), (cast.ben, True), (cast.ana, True)):
        if user is not None:
            client.force_login(user)
        assert (b"/d/board/" in client.get("/").content) is may
        assert client.get("/d/board/").status_code == (200 if may else 404)


def test_a_dashboard_that_is_not_there_answers_like_one_that_is_closed(client: Client, cast: Cast) -> None:
    missing, closed = client.get("/d/qqqqq/"), client.get("/d/board/")
    assert (missing.status_code, closed.status_code) == (404, 404)
    assert missing.content.replace(b"qqqqq", b"board") == closed.content


def test_one_signs_in_and_out_at_accounts(client: Client, cast: Cast) -> None:
    cast.cy.set_password("a long enough password")
    cast.cy.save()
    assert client.post("/accounts/login/", {"username": "cy", "password": "wrong"}).status_code == 200
    answer = client.post("/accounts/login/", {"username": "cy", "password": "a long enough password"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_the_way_back_after_login_leads_nowhere_else(client: Client, cast: Cast) -> None:
    cast.cy.set_password("a long enough password")
    cast.cy.save()
    form = {"username": "cy", "password": "a long enough password", "next": "https://evil.example/"}
    assert client.post("/accounts/login/", form).headers["Location"] == "/"


def test_the_way_back_after_login_does_not_turn_in_a_circle(client: Client, cast: Cast) -> None:
    client.force_login(cast.cy)
    assert client.get("/accounts/login/?next=/accounts/login/").headers["Location"] == "/"
    assert client.get("/accounts/login/?next=/d/market/").headers["Location"] == "/d/market/"


def test_pages_are_only_looked_at(client: Client, cast: Cast) -> None:
    for address in ("/", "/d/board/"):
        answer = client.put(address)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
