"""Tests the form that is drawn from the schema of a kind: what it shows, takes, refuses and keeps to itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from dashboard.admin import source_form
from dashboard.models import DataSource
from dashboard.models.secrets import seal, unseal
from tests.unit.admin.page import Page
from tests.unit.models.cast import Cast

ADD = "/admin/dashboard/datasource/add/"
PLANTED = "correct horse battery"
TYPED = "staple and paper"


def page_of(source: DataSource) -> str:
    return f"/admin/dashboard/datasource/{source.pk}/change/"


def opened(admin: Client, path: str) -> Page:
    response = admin.get(path)
    assert response.status_code == 200
    return Page(response.content.decode())


def blank(admin: Client, **typed: str) -> dict[str, str]:
    """Returns the form of a new boiler as it is sent when the rest is typed."""
    page = opened(admin, ADD + "?kind=boiler")
    return {**page.values, "name": "Boiler", "slug": "boiler", "config.url": "http://boiler.example/", **typed}


def sent(admin: Client, path: str, values: dict[str, str]) -> Page:
    """Sends a form that is not to be saved, and returns it as it comes back."""
    response = admin.post(path, values)
    assert response.status_code == 200, "it was saved"
    return Page(response.content.decode())


@pytest.fixture
def boiler(cast: Cast) -> DataSource:
    config = {"url": "http://boiler.example/", "readings": [{"key": "flow"}], "headers": {"X-A": "1"}}
    return DataSource.objects.create(
        name="Boiler", slug="boiler", kind="boiler", config=config, secrets=seal({"password": PLANTED})
    )


def test_each_field_of_the_kind_has_a_fitting_input(admin: Client) -> None:
    page = opened(admin, ADD + "?kind=boiler")
    shown = {name: (each["tag"], each.get("type")) for name, each in page.inputs.items() if name.startswith("config.")}
    assert shown == {
        "config.kind": ("input", "hidden"),
        "config.kept": ("input", "hidden"),
        "config.url": ("input", "url"),
        "config.interval": ("input", "number"),
        "config.retries": ("input", "number"),
        "config.method": ("select", None),
        "config.verify": ("input", "checkbox"),
        "config.body": ("textarea", None),
        "config.headers.0.name": ("input", "text"),
        "config.headers.0.value": ("input", "text"),
        "config.topics": ("textarea", None),
        "config.readings.0.key": ("input", "text"),
        "config.readings.0.path": ("input", "text"),
        "config.readings.0.decimals": ("input", "number"),
        "config.readings.0.text": ("input", "checkbox"),
        "config.limits.low": ("input", "number"),
        "config.limits.high": ("input", "number"),
        "config.anything.json": ("textarea", None),
        "config.username": ("input", "text"),
        "config.password": ("input", "password"),
        "config.token": ("input", "password"),
    }
    assert page.inputs["config.interval"].items() >= {"min": "0", "max": "60", "step": "any", "value": "1.0"}.items()
    assert page.inputs["config.retries"]["step"] == "1"
    assert page.options["config.method"] == ['"GET"', '"POST"']
    assert page.values["config.verify"] == "on"
    assert "Where it is." in page.html
    assert "<legend>Authentication</legend>" in page.html


def test_an_untouched_form_gives_the_defaults_of_the_kind(admin: Client) -> None:
    assert admin.post(ADD, blank(admin)).status_code == 302
    assert DataSource.objects.get(slug="boiler").config == {
        "url": "http://boiler.example/",
        "interval": 1.0,
        "retries": None,
        "method": "GET",
        "verify": True,
        "body": "",
        "headers": {},
        "topics": [],
        "readings": [],
        "limits": {"low": 0.0, "high": 100.0},
        "anything": None,
        "username": "",
    }


def test_what_is_typed_is_what_is_kept_and_shown_again(admin: Client) -> None:
    typed = {
        "config.interval": "2.5",
        "config.retries": "3",
        "config.method": '"POST"',
        "config.body": "a\r\nb",
        "config.headers.0.name": "Accept",
        "config.headers.0.value": "text/html",
        "config.headers.7.name": "X-B",
        "config.topics": "a/b\r\n\r\n c \r\n",
        "config.readings.0.path": "",
        "config.readings.2.key": "flow",
        "config.readings.2.path": "a.b[0]",
        "config.readings.2.decimals": "1",
        "config.readings.5.key": "mode",
        "config.readings.5.text": "on",
        "config.limits.high": "80",
        "config.anything.json": '{"a": [1, null]}',
    }
    values = blank(admin, **typed)
    del values["config.verify"]
    assert admin.post(ADD, values).status_code == 302
    source = DataSource.objects.get(slug="boiler")
    expected = {
        "url": "http://boiler.example/",
        "interval": 2.5,
        "retries": 3,
        "method": "POST",
        "verify": False,
        "body": "a\nb",
        "headers": {"Accept": "text/html", "X-B": ""},
        "topics": ["a/b", "c"],
        "readings": [
            {"key": "flow", "path": "a.b[0]", "decimals": 1, "text": False},
            {"key": "mode", "path": "", "decimals": None, "text": True},
        ],
        "limits": {"low": 0.0, "high": 80},
        "anything": {"a": [1, None]},
        "username": "",
    }
    assert source.config == expected
    again = opened(admin, page_of(source))
    assert again.values["config.readings.1.text"] == "on"
    assert again.values["config.topics"] == "a/b\nc"
    assert admin.post(page_of(source), again.values).status_code == 302
    source.refresh_from_db()
    assert source.config == expected, "a form that is sent back as it came changes nothing"


@pytest.mark.parametrize(
    ("name", "typed", "at"),
    [
        ("config.url", "", "url"),
        ("config.url", "nowhere", "url"),
        ("config.interval", "soon", "interval"),
        ("config.interval", "nan", "interval"),
        ("config.interval", "1" + "0" * 400, "interval"),
        ("config.interval", "0", "interval"),
        ("config.retries", "1.5", "retries"),
        ("config.method", "DELETE", "method"),
        ("config.readings.0.decimals", "12", "readings.0.decimals"),
        ("config.readings.0.path", "a.b", "readings.0.key"),
        ("config.limits.low", "x", "limits.low"),
        ("config.anything.json", "{", "anything"),
        ("config.anything.json", '{"a": NaN}', "anything"),
        ("config.anything.json", "3", "anything"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_still_there(
    admin: Client, name: str, typed: str, at: str
) -> None:
    page = sent(
        admin,
        ADD,
        blank(
            admin,
            **{"config.readings.0.path": "p", "config.readings.0.key": "k", name: typed}
            | ({"config.readings.0.key": ""} if at.endswith("key") else {}),
        ),
    )
    assert page.values[name] == typed or name == "config.method"
    after = page.html.partition(f'id="config-errors-{at}">')[2]
    assert after.startswith('<p class="errornote">'), page.html.count("errornote")
    assert page.html.count('<p class="errornote">') >= 1
    assert not DataSource.objects.filter(slug="boiler").exists()


def test_a_secret_is_kept_sealed_and_shown_to_nobody(admin: Client) -> None:
    assert admin.post(ADD, blank(admin, **{"config.password": PLANTED})).status_code == 302
    source = DataSource.objects.get(slug="boiler")
    assert "password" not in source.config
    assert unseal(source.secrets) == {"password": PLANTED}
    page = opened(admin, page_of(source))
    assert PLANTED not in page.html
    assert page.values["config.password"] == ""
    assert "It is set, and shown to nobody." in page.html


@pytest.mark.parametrize("wrong", [{"config.interval": "0"}, {"config.password": PLANTED * 3}, {"config.token": "t"}])
def test_no_answer_to_a_form_with_mistakes_holds_the_secret(admin: Client, wrong: dict[str, str]) -> None:
    page = sent(admin, ADD, blank(admin, **{"config.password": PLANTED, **wrong}))
    assert PLANTED not in page.html


def test_an_empty_field_keeps_the_secret_and_clear_takes_it_away(admin: Client, boiler: DataSource) -> None:
    values = opened(admin, page_of(boiler)).values
    assert admin.post(page_of(boiler), {**values, "name": "Old boiler"}).status_code == 302
    boiler.refresh_from_db()
    assert unseal(boiler.secrets) == {"password": PLANTED}
    values = opened(admin, page_of(boiler)).values
    assert admin.post(page_of(boiler), {**values, "config.password.clear": "on"}).status_code == 302
    boiler.refresh_from_db()
    assert boiler.secrets == ""


@pytest.mark.parametrize(
    "change",
    [
        {"config.url": "http://evil.example/"},
        {"config.url": "https://boiler.example:444/"},
        {"config.verify": ""},
        {"config.url": "http://evil.example/", "_test": "1"},
    ],
)
def test_a_stored_secret_is_not_sent_elsewhere(admin: Client, boiler: DataSource, change: dict[str, str]) -> None:
    values = {**opened(admin, page_of(boiler)).values, **change}
    values = {name: value for name, value in values.items() if (name, value) != ("config.verify", "")}
    page = sent(admin, page_of(boiler), values)
    assert "Enter this again" in page.html.partition('id="config-errors-password">')[2][:300]
    assert "Test passed" not in page.html
    boiler.refresh_from_db()
    assert boiler.config["url"] == "http://boiler.example/"
    if "_test" not in change:
        assert admin.post(page_of(boiler), {**values, "config.password": "another"}).status_code == 302
        boiler.refresh_from_db()
        assert unseal(boiler.secrets) == {"password": "another"}


def test_another_path_of_the_same_host_keeps_the_secret(admin: Client, boiler: DataSource) -> None:
    values = {**opened(admin, page_of(boiler)).values, "config.url": "http://boiler.example/v2?x=1"}
    assert admin.post(page_of(boiler), values).status_code == 302
    boiler.refresh_from_db()
    assert unseal(boiler.secrets) == {"password": PLANTED}


def test_secrets_whose_key_is_lost_are_asked_for_again_and_stay_until_then(
    admin: Client, boiler: DataSource, settings: Any
) -> None:
    sealed = boiler.secrets
    settings.TICKWALL_SECRET_KEYS = [Fernet.generate_key().decode()]
    page = opened(admin, page_of(boiler))
    assert "it must be entered again" in page.html
    assert admin.post(page_of(boiler), page.values).status_code == 302
    boiler.refresh_from_db()
    assert boiler.secrets == sealed, "the key may come back"
    values = opened(admin, page_of(boiler)).values
    assert admin.post(page_of(boiler), {**values, "config.password": "new"}).status_code == 302
    boiler.refresh_from_db()
    assert unseal(boiler.secrets) == {"password": "new"}


def test_the_kind_switches_the_form_and_what_was_typed_survives(admin: Client) -> None:
    values = blank(admin, **{"config.interval": "7", "config.username": "ana", "config.password": PLANTED})
    page = sent(admin, ADD, {**values, "kind": "thermometer", "_redraw": "1"})
    assert set(page.config()) == {
        "config.kind",
        "config.kept",
        "config.interval",
        "config.places.0.room",
        "config.places.0.floor",
    }
    assert page.values["config.interval"] == "7"
    assert page.values["name"] == "Boiler"
    assert PLANTED not in page.html
    assert "errornote" not in page.html
    back = sent(admin, ADD, {**page.values, "kind": "boiler", "_redraw": "1"})
    assert back.values["config.username"] == "ana"
    assert back.values["config.url"] == "http://boiler.example/"
    assert back.values["config.password"] == ""


def test_without_a_script_another_kind_is_shown_before_it_is_saved(admin: Client, boiler: DataSource) -> None:
    values = opened(admin, page_of(boiler)).values
    page = sent(admin, page_of(boiler), {**values, "kind": "thermometer"})
    assert "You chose another kind." in page.html
    assert admin.post(page_of(boiler), page.values).status_code == 302
    boiler.refresh_from_db()
    assert (boiler.kind, boiler.config) == ("thermometer", {"interval": 1.0, "places": []})
    assert boiler.secrets == "", "the secrets of one kind are not for another"


def test_a_value_that_its_field_cannot_show_is_shown_as_json_and_not_lost(admin: Client, boiler: DataSource) -> None:
    boiler.config["headers"] = {"X-A": ["1", "2"]}
    boiler.save()
    page = opened(admin, page_of(boiler))
    assert json.loads(page.values["config.headers.json"]) == {"X-A": ["1", "2"]}
    page = sent(admin, page_of(boiler), page.values)
    assert '<p class="errornote">' in page.html.partition('id="config-errors-headers">')[2][:60]


# --- somebody else's save ---


def test_a_form_that_is_older_than_a_save_is_refused_and_says_what_changed(admin: Client, boiler: DataSource) -> None:
    mine = opened(admin, page_of(boiler)).values
    theirs = {**opened(admin, page_of(boiler)).values, "cadence": "9.0", "config.interval": "5"}
    assert admin.post(page_of(boiler), theirs).status_code == 302
    page = sent(admin, page_of(boiler), {**mine, "name": "Mine"})
    assert "Somebody else has saved this" in page.html
    assert "Cadence was “1.0” and is now “9.0”." in page.html
    boiler.refresh_from_db()
    assert (boiler.name, boiler.cadence) == ("Boiler", 9.0)
    # What I left alone is theirs now, what I typed is still mine, and a second save is a decision.
    assert (page.values["cadence"], page.values["config.interval"], page.values["name"]) == ("9.0", "5", "Mine")
    assert admin.post(page_of(boiler), page.values).status_code == 302
    boiler.refresh_from_db()
    assert (boiler.name, boiler.cadence, boiler.config["interval"]) == ("Mine", 9.0, 5)


def test_a_source_that_was_disabled_meanwhile_is_not_enabled_by_an_old_form(admin: Client, boiler: DataSource) -> None:
    mine = opened(admin, page_of(boiler)).values
    DataSource.objects.update(enabled=False)
    page = sent(admin, page_of(boiler), mine)
    assert "Enabled was “true” and is now “false”." in page.html
    assert "enabled" not in page.values


def test_an_old_row_of_a_series_is_refused_too(admin: Client, boiler: DataSource) -> None:
    flow = boiler.series.create(key="flow", label="Flow")
    mine = opened(admin, page_of(boiler)).values
    boiler.series.update(label="Flow of water")
    page = sent(admin, page_of(boiler), {**mine, "series-0-unit": "l/min"})
    assert "Label was “Flow” and is now “Flow of water”." in page.html
    assert (page.values["series-0-label"], page.values["series-0-unit"]) == ("Flow of water", "l/min")
    assert admin.post(page_of(boiler), page.values).status_code == 302
    flow.refresh_from_db()
    assert (flow.label, flow.unit) == ("Flow of water", "l/min")


def test_a_series_that_is_gone_is_said_and_nothing_breaks(admin: Client, boiler: DataSource) -> None:
    boiler.series.create(key="flow")
    mine = opened(admin, page_of(boiler)).values
    boiler.series.all().delete()
    assert admin.post(page_of(boiler), mine).status_code == 200


# --- a test of what is typed ---


def test_a_test_shows_the_first_samples_and_saves_nothing(admin: Client) -> None:
    typed = {"config.readings.0.key": "flow", "config.password": PLANTED, "name": "", "slug": "", "_test": "1"}
    page = sent(admin, ADD, blank(admin, **typed))
    assert "Test passed." in page.html, page.html[page.html.find("config-result") :][:800]
    assert "<td>flow</td>" in page.html, page.html[page.html.find("config-result") :][:800]
    assert "<td>20.25</td>" in page.html
    assert not DataSource.objects.filter(kind="boiler").exists()


def test_a_failed_test_says_why_without_the_secret(admin: Client) -> None:
    typed = {"config.url": "http://boiler.example/broken", "config.password": PLANTED, "_test": "1"}
    page = sent(admin, ADD, blank(admin, **typed))
    assert "Test failed." in page.html
    assert "the boiler at boiler.example answers “… is wrong”" in page.html
    assert PLANTED not in page.html


def test_a_test_uses_the_stored_secret_and_does_not_show_it(admin: Client, boiler: DataSource) -> None:
    values = opened(admin, page_of(boiler)).values
    page = sent(admin, page_of(boiler), {**values, "config.readings.0.text": "on", "_test": "1"})
    assert "Test passed." in page.html, page.html[page.html.find("config-result") :][:800]
    assert "<td>…</td>" in page.html
    assert PLANTED not in page.html


def test_what_the_kind_does_not_accept_is_not_tried(admin: Client) -> None:
    page = sent(admin, ADD, blank(admin, **{"config.interval": "0", "_test": "1"}))
    assert "Test passed" not in page.html
    assert "Test failed" not in page.html
    assert '<p class="errornote">' in page.html.partition('id="config-errors-interval">')[2][:60]


def test_no_more_tests_run_at_once_than_may(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import BoundedSemaphore

    from dashboard.feeds import trial

    places = BoundedSemaphore(1)
    places.acquire()
    monkeypatch.setattr(trial, "_places", places)
    page = sent(admin, ADD, blank(admin, **{"_test": "1"}))
    assert "Try again in a few seconds." in page.html


def test_who_may_only_look_can_neither_test_nor_see_the_form(cast: Cast, boiler: DataSource) -> None:
    from django.contrib.auth.models import Permission

    cast.cy.is_staff = True
    cast.cy.save()
    cast.cy.user_permissions.add(Permission.objects.get(codename="view_datasource"))
    client = Client()
    client.force_login(cast.cy)
    page = opened(client, page_of(boiler))
    assert "config-form" not in page.html
    assert PLANTED not in page.html
    assert client.post(page_of(boiler), {"_test": "1", "kind": "boiler"}).status_code == 403
    assert client.post(ADD, {"_test": "1", "kind": "boiler"}).status_code == 403


# --- when something breaks ---


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("button", ["_save", "_test"])
def test_no_error_page_shows_the_secret(
    admin: Client,
    boiler: DataSource,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    debug: bool,
    button: str,
) -> None:
    def breaks(kind: Any, given: dict[str, Any], stored: dict[str, str]) -> None:
        raise RuntimeError(f"a mistake with {len(given)} fields and {len(stored)} secrets")

    values = opened(admin, page_of(boiler)).values
    monkeypatch.setattr(source_form, "complete", breaks)
    settings.DEBUG = debug
    admin.raise_request_exception = False
    response = admin.post(page_of(boiler), {**values, "config.token": TYPED, button: "1"})
    page = response.content.decode()
    assert response.status_code == 500
    assert ("a mistake with" in page) == debug
    for secret in (PLANTED, TYPED):
        assert secret not in page
        assert secret not in caplog.text
