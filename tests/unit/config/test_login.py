"""Both login forms stop looking at passwords after too many failures, and say the same to everybody."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

from config import login
from config.attempts import ADDRESS_SECONDS, PAIR_SECONDS, Attempts
from dashboard import live
from dashboard.live.clients import Clients, Most, Proxies

SITE, ADMIN = "/accounts/login/", "/admin/login/"
PASSWORD = "a long enough password"
TOO_MANY = b"Too many attempts. Try again in "


class Hasher(MD5PasswordHasher):
    """A quick one, that counts its work."""

    work = 0

    def encode(self, password: Any, salt: Any) -> str:
        type(self).work += 1
        return super().encode(password, salt)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(login, "monotonic", clock)
    return clock


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> Attempts:
    """The count of a process that has just begun, with the limits as they are set by default."""
    counted = login.attempts.__wrapped__()
    monkeypatch.setattr(login, "attempts", lambda: counted)
    return counted


@pytest.fixture(autouse=True)
def root(transactional_db: None, settings: Any) -> User:
    settings.PASSWORD_HASHERS = [f"{__name__}.Hasher"]
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = Clients(Most(0, 0, 0, 0, 0.0, 0), Proxies(["127.0.0.1"]))
    monkeypatch.setattr(live, "current_clients", lambda: clients)


def post(form: str, name: str = "root", password: str = "wrong", **headers: str) -> HttpResponse:
    return Client().post(form, {"username": name, "password": password, "next": "/"}, **headers)  # type: ignore[arg-type,return-value]


def signed_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and "sessionid" in answer.cookies


@pytest.mark.parametrize(("first", "second"), [(SITE, ADMIN), (ADMIN, SITE)])
def test_failures_at_one_form_count_at_the_other(first: str, second: str, clock: Clock) -> None:
    for form in (first, first, second, first, second):
        answer = post(form)
        assert answer.status_code == 200
        assert TOO_MANY not in answer.content
    for form in (first, second):
        answer = post(form, password=PASSWORD)
        assert answer.status_code == 200
        assert TOO_MANY + b"15 minutes." in answer.content
    clock.now += PAIR_SECONDS - 30
    assert TOO_MANY + b"1 minute." in post(second).content
    clock.now += 30
    assert signed_in(post(second, password=PASSWORD))


@pytest.mark.parametrize("form", [SITE, ADMIN])
def test_known_and_unknown_users_cost_the_same_work_and_get_the_same_page(form: str) -> None:
    """The work of a hasher is nearly all that a login costs."""
    pages: dict[str, list[bytes]] = {"root": [], "nobd": []}
    for name, answers in pages.items():
        for number in range(8):
            before = Hasher.work
            # The token of the form is another one each time.
            text = post(form, name, f"wrong {number}").content.replace(name.encode(), b"NAME")
            answers.append(b"".join(line for line in text.splitlines(True) if b"csrfmiddlewaretoken" not in line))
            assert Hasher.work - before == (1 if number < 5 else 0)
    assert pages["root"] == pages["nobd"]


@pytest.mark.parametrize("form", [SITE, ADMIN])
def test_a_user_under_attack_signs_in_from_another_address(form: str) -> None:
    for _ in range(20):
        post(form, REMOTE_ADDR="192.0.2.1")
    assert not signed_in(post(form, password=PASSWORD, REMOTE_ADDR="192.0.2.1"))
    assert signed_in(post(form, password=PASSWORD, REMOTE_ADDR="192.0.2.2"))
    assert not signed_in(post(form, password=PASSWORD, REMOTE_ADDR="192.0.2.1"))


@pytest.mark.parametrize("form", [SITE, ADMIN])
def test_many_names_from_one_address_are_too_many_as_well(form: str, clock: Clock) -> None:
    before = Hasher.work
    for number in range(60):
        post(form, f"user{number}")
    assert Hasher.work - before == 50
    assert TOO_MANY + b"60 minutes." in post(form, password=PASSWORD).content
    assert signed_in(post(form, password=PASSWORD, REMOTE_ADDR="192.0.2.2"))
    clock.now += ADDRESS_SECONDS
    assert signed_in(post(form, password=PASSWORD))


@pytest.mark.parametrize("form", [SITE, ADMIN])
def test_success_clears_the_count(form: str) -> None:
    for _ in range(4):
        post(form)
    assert signed_in(post(form, password=PASSWORD))
    for _ in range(4):
        post(form)
    assert signed_in(post(form, password=PASSWORD))


def test_the_right_password_of_somebody_who_is_no_staff_fails_at_the_admin() -> None:
    """Or else the admin would tell by the count what it does not tell in words."""
    User.objects.create_user("cy", password=PASSWORD)
    for _ in range(5):
        assert not signed_in(post(ADMIN, "cy", PASSWORD))
    assert TOO_MANY in post(ADMIN, "cy", PASSWORD).content


def test_neighbours_in_one_ipv6_network_are_one_address() -> None:
    for number in range(5):
        post(SITE, REMOTE_ADDR=f"2001:db8::{number}")
    assert TOO_MANY in post(SITE, REMOTE_ADDR="2001:db8::ffff").content
    assert TOO_MANY not in post(SITE, REMOTE_ADDR="2001:db8:0:1::1").content


def test_behind_a_trusted_proxy_each_client_is_counted_by_his_own_address(proxies: None) -> None:
    for number in range(5):
        post(SITE, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}, 192.0.2.1")
    assert TOO_MANY in post(SITE, HTTP_X_FORWARDED_FOR="192.0.2.1").content
    assert signed_in(post(SITE, password=PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.2"))


def test_a_stranger_who_names_other_addresses_is_not_believed() -> None:
    for number in range(5):
        post(SITE, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    assert TOO_MANY in post(SITE, HTTP_X_FORWARDED_FOR="203.0.113.77").content


def test_a_form_with_something_missing_is_no_attempt(counted: Attempts) -> None:
    post(SITE, "root", "")
    post(SITE, "", "x")
    assert (len(counted.pairs), len(counted.addresses)) == (0, 0)


def test_a_database_that_is_away_is_nobodys_failure(counted: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("django.contrib.auth.forms.authenticate", fail)
    client = Client(raise_request_exception=False)
    assert client.post(SITE, {"username": "root", "password": PASSWORD}).status_code >= 500
    assert (len(counted.pairs), len(counted.addresses)) == (0, 0)


def test_the_log_has_one_line_for_a_pair_and_no_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(30):
        post(SITE, "root", "a secret guess")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "config.login"]
    assert line == "logins of 'root' from 127.0.0.1 are refused for 15 minutes, after 5 failures"
    assert "secret guess" not in caplog.text


def test_programs_that_sign_in_without_a_form_are_not_counted(client: Client, root: User) -> None:
    for _ in range(6):
        post(SITE)
    assert client.login(username="root", password=PASSWORD)
    client.force_login(root)
    assert client.get("/admin/").status_code == 200
