from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection
from django.db.models.functions import Now

from dashboard import checks
from dashboard.feeds import registry
from dashboard.models import WebProcess


def ids() -> list[str]:
    return [message.id or "" for message in run_checks() if (message.id or "").startswith("tickwall.")]


def test_the_defaults_pass() -> None:
    assert ids() == []
    call_command("check", fail_level="WARNING")


@pytest.mark.parametrize(
    ("debug", "hosts", "found"),
    [
        (True, ["localhost", "127.0.0.1", "[::1]", "127.8.8.8", ".localhost", "wall.localhost"], []),
        (True, ["wall.example"], ["tickwall.E001"]),
        (True, ["localhost", "*"], ["tickwall.E001"]),
        (True, ["10.0.0.5"], ["tickwall.E001"]),
        (True, [".example"], ["tickwall.E001"]),
        (True, ["localhost.example"], ["tickwall.E001"]),
        (False, ["wall.example", ".corp.example"], []),
        (False, ["*"], ["tickwall.E002"]),
        (False, ["wall.example", "*"], ["tickwall.E002"]),
    ],
)
def test_a_site_for_others_shows_no_tracebacks_and_names_its_hosts(
    settings: Any, debug: bool, hosts: list[str], found: list[str]
) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, hosts
    assert ids() == found


@pytest.mark.parametrize(
    "origin", ["https://wall.example", "http://localhost:8000", "https://[::1]:8443", "http://10.0.0.5"]
)
def test_exact_origins_pass(settings: Any, origin: str) -> None:
    settings.TICKWALL_ALLOWED_ORIGINS = [origin]
    assert ids() == []


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "https://*.example", "wall.example", "//wall.example", "https://", "null", "", "ftp://wall.example"),
        *("https://wall.example/", "https://wall.example/path", "https://user@wall.example", "https://wall.example:x"),
        *("https://wall.example:99999", "https://wall.example?x"),
    ],
)
def test_what_is_no_exact_origin_is_an_error(settings: Any, origin: str) -> None:
    settings.TICKWALL_ALLOWED_ORIGINS = [origin]
    assert ids() == ["tickwall.E003"]


@pytest.mark.parametrize("name", checks.LIMITS)
def test_each_limit_has_a_least_and_a_most(settings: Any, name: str) -> None:
    low, high = checks.LIMITS[name]
    assert low <= getattr(settings, name) <= high
    for value in (low - 1, high + 1, float("nan"), float("inf")):
        setattr(settings, name, value)
        said = [message for message in run_checks() if message.id == "tickwall.E004"]
        assert len(said) == 1
        assert name in said[0].msg


@pytest.mark.parametrize(("larger", "times", "smaller", "reason"), checks.ORDERS)
def test_limits_that_contradict_each_other_are_named_with_the_way_out(
    settings: Any, larger: str, times: int, smaller: str, reason: str
) -> None:
    least = times * getattr(settings, smaller)
    setattr(settings, larger, least)
    assert "tickwall.E005" not in ids()
    setattr(settings, larger, least * 0.99)
    (said,) = [message for message in run_checks() if message.id == "tickwall.E005"]
    assert larger in said.msg
    assert f"{least:g}" in (said.hint or "")


@pytest.mark.parametrize(
    ("processes", "redis", "found"),
    [("4", "", ["tickwall.E006"]), ("4", "redis://localhost", []), ("1", "", []), ("", "", []), ("many", "", [])],
)
def test_several_processes_without_redis_are_an_error(
    settings: Any, monkeypatch: pytest.MonkeyPatch, processes: str, redis: str, found: list[str]
) -> None:
    settings.REDIS_URL = redis
    monkeypatch.setenv("WEB_CONCURRENCY", processes)
    assert ids() == found


def test_a_worker_without_redis_is_refused_and_a_site_without_it_is_not(settings: Any) -> None:
    assert ids() == []
    with pytest.raises(SystemCheckError, match=r"(?s)tickwall\.E013.*web process.*HINT: .*REDIS_URL"):
        call_command("runworker", "feeds")
    settings.REDIS_URL = "redis://localhost"
    assert checks.a_worker_shares_its_log() == []


def test_a_kind_that_does_not_load_is_a_warning_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "errors", lambda: {"mqtt": "ModuleNotFoundError: No module named 'aiomqtt'"})
    (said,) = [message for message in run_checks() if message.id == "tickwall.W001"]
    assert "aiomqtt" in said.msg
    assert not said.is_serious()


@pytest.mark.parametrize("name", ["proxy.example", "10.0.0.1/8", "*", ""])
def test_a_proxy_is_an_address_or_a_network(settings: Any, name: str) -> None:
    settings.TICKWALL_TRUSTED_PROXIES = ["127.0.0.1", "10.0.0.0/8", "::1", "unix"]
    assert ids() == []
    settings.TICKWALL_TRUSTED_PROXIES = ["127.0.0.1", name]
    assert ids() == ["tickwall.E008"]


URL = "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        ([URL], ["tickwall.E007"]),
        ([("127.0.0.1", 6379)], ["tickwall.E007"]),
        ([{"address": URL}], ["tickwall.E007"]),
        ([{"address": URL, "socket_timeout": 5}], ["tickwall.E007"]),
        ([{"address": URL, "socket_timeout": 15}, URL], ["tickwall.E007"]),
        ([{"address": URL, "socket_timeout": 15}], []),
        ([{"address": URL, "socket_timeout": None}], []),
        ([{"address": URL + "?socket_timeout=20"}], []),
        ([URL + "?socket_timeout=20"], []),
        ([URL + "?socket_timeout=3"], ["tickwall.E007"]),
        (None, ["tickwall.E007"]),
    ],
)
def test_a_layer_that_gives_its_socket_up_when_nothing_happens_is_an_error(
    settings: Any, hosts: list[Any] | None, found: list[str]
) -> None:
    config = {} if hosts is None else {"hosts": hosts}
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}}
    assert ids() == found


@pytest.mark.django_db
def test_web_processes_with_logs_of_their_own_are_a_warning_where_the_database_is_asked() -> None:
    for key in ("a", "b"):
        WebProcess.beat(key, "wall", 1, WebProcess.Log.MEMORY)
    # SQLite's clock has milliseconds; two processes that share one are no matter of chance.
    WebProcess.objects.update(started=Now() - timedelta(seconds=1))
    assert ids() == []
    (said,) = [message for message in run_checks(databases=["default"]) if message.id == "tickwall.W002"]
    assert "wall:1, wall:1" in said.msg
    assert not said.is_serious()


@pytest.mark.django_db
def test_before_the_first_migration_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_table() -> None:
        raise OperationalError("no such table")

    monkeypatch.setattr(WebProcess, "at_odds", no_table)
    assert [message for message in run_checks(databases=["default"]) if message.id == "tickwall.W002"] == []


def test_keys_for_secrets_are_keys(settings: Any) -> None:
    settings.TICKWALL_SECRET_KEYS = [Fernet.generate_key().decode(), "hunter2"]
    assert ids() == ["tickwall.E009"]
    settings.TICKWALL_SECRET_KEYS = settings.TICKWALL_SECRET_KEYS[:1]
    assert ids() == []


def test_a_database_that_others_may_reach_needs_a_key_for_secrets(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    assert ids() == ["tickwall.W003"]
    settings.TICKWALL_SECRET_KEYS = [Fernet.generate_key().decode()]
    assert ids() == []


@pytest.mark.parametrize(
    "url", ["foo://x", "127.0.0.1:6379", "redis://127.0.0.1:abc", "redis://[::1", "redis://:planted@h:x"]
)
def test_what_is_no_address_of_a_redis_is_refused(settings: Any, url: str) -> None:
    settings.REDIS_URL = url
    host = {"address": url, "socket_timeout": 15}
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [url, host]}}
    }
    (found,) = [message for message in run_checks() if message.id == "tickwall.E010"]
    assert "planted" not in str(found)


@pytest.mark.parametrize("url", ["redis://127.0.0.1", "rediss://user:word@h:6380/1", "unix:///run/redis.sock"])
def test_an_address_of_a_redis_passes(settings: Any, url: str) -> None:
    settings.REDIS_URL = url
    assert "tickwall.E010" not in ids()


@pytest.mark.parametrize("key", ["x", "change me", "django-insecure-" + "k" * 50, "a" * 60])
def test_a_key_that_can_be_guessed_is_refused(settings: Any, key: str) -> None:
    settings.SECRET_KEY = key
    assert ids() == ["tickwall.E011"]


@pytest.mark.parametrize("header", [("abc",), ("X-Forwarded-Proto", "https"), ("HTTP_X_FORWARDED_PROTO", "")])
def test_a_header_that_never_comes_is_refused(settings: Any, header: tuple[str, ...]) -> None:
    settings.SECURE_PROXY_SSL_HEADER = header
    assert ids() == ["tickwall.E012"]
