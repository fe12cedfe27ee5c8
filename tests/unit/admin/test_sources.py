from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from dashboard.models import DataSource, Series, SourceEvent, SourceStatus
from dashboard.models.secrets import seal, unseal
from tests.unit.admin.page import Page
from tests.unit.models.cast import Cast

ADD = "/admin/dashboard/datasource/add/"
LIST = "/admin/dashboard/datasource/"


def page_of(source: DataSource) -> str:
    return f"/admin/dashboard/datasource/{source.pk}/change/"


def typed(config: str = "{}", **fields: Any) -> dict[str, Any]:
    form = {
        "name": "Cellar",
        "slug": "cellar",
        "kind": "thermometer",
        "enabled": "on",
        "cadence": "1",
        "max_series": "10",
    }
    inline = {"series-TOTAL_FORMS": 0, "series-INITIAL_FORMS": 0}
    return {**form, **inline, "config": config, **fields}


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


@pytest.fixture
def cellar(cast: Cast) -> DataSource:
    return DataSource.objects.create(name="Cellar", slug="cellar", kind="thermometer", config={"interval": 2.0})


def test_a_source_is_added_with_the_defaults_of_its_kind(admin: Client) -> None:
    response = admin.post(ADD, typed('{"places": [{"room": "wine"}]}'))
    assert response.status_code == 302
    source = DataSource.objects.get(slug="cellar")
    assert source.config == {"interval": 1.0, "places": [{"room": "wine"}]}


def test_an_empty_config_stands_for_the_defaults(admin: Client) -> None:
    assert admin.post(ADD, typed("")).status_code == 302
    assert DataSource.objects.get(slug="cellar").config == {"interval": 1.0, "places": []}


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ('{"intervall": 1}', "intervall: "),
        ('{"interval": "soon"}', "interval: "),
        ('{"interval": 0}', "interval: "),
        ('{"places": [{"room": "a"}, {"floor": 1}]}', "places.1.room: "),
        ('{"interval": true, "places": 3}', "places: "),
    ],
)
def test_what_the_kind_does_not_accept_is_said_on_the_config_with_its_path(
    admin: Client, config: str, field: str
) -> None:
    found = errors(admin.post(ADD, typed(config)))
    assert list(found) == ["config"]
    assert any(sentence.startswith(field) for sentence in found["config"])
    assert not DataSource.objects.filter(slug="cellar").exists()


@pytest.mark.parametrize(
    "config",
    [
        "interval: 1",
        "[]",
        '"text"',
        "3",
        "null, null",
        "{",
        '{"interval": NaN}',
        '{"interval": Infinity}',
        '{"interval": 1e999}',
        '{"interval": ' + "9" * 5000 + "}",
        '{"interval": ' + "[" * 20_000 + "]" * 20_000 + "}",
        '{"interval": "\\u0000"}',
        '{"interval": "\\ud800"}',
        "{" + " " * 100_001 + "}",
    ],
)
def test_what_is_no_json_object_is_refused_in_plain_words_and_shown_again(admin: Client, config: str) -> None:
    response = admin.post(ADD, typed(config))
    found = errors(response)
    assert list(found) == ["config"]
    assert len(found["config"]) == 1


def test_a_kind_that_does_not_exist_cannot_be_chosen(admin: Client) -> None:
    assert list(errors(admin.post(ADD, typed(kind="crystal-ball")))) == ["kind"]


@pytest.mark.parametrize("cadence", ["0", "-1", "nan", "inf", "1e300", "soon"])
def test_a_cadence_that_makes_no_sense_is_refused(admin: Client, cadence: str) -> None:
    assert list(errors(admin.post(ADD, typed(cadence=cadence)))) == ["cadence"]


def test_a_row_of_an_unknown_kind_is_shown_with_a_warning_and_can_be_saved(admin: Client, cast: Cast) -> None:
    cast.market.config = {"whatever": 1}
    cast.market.save()
    response = admin.get(page_of(cast.market))
    assert response.status_code == 200
    warnings = [str(message) for message in response.context["messages"]]
    assert len(warnings) == 1
    assert "simulated" in warnings[0]
    assert "does not run" in warnings[0]
    changed = typed('{"whatever": 1}', slug="market", kind="simulated")
    del changed["enabled"]
    assert admin.post(page_of(cast.market), changed).status_code == 302
    cast.market.refresh_from_db()
    assert (cast.market.enabled, cast.market.kind, cast.market.config) == (False, "simulated", {"whatever": 1})
    assert b"simulated (not available)" in admin.get(LIST).content


def test_a_row_of_an_unknown_kind_can_become_one_of_a_known_kind_and_is_checked_then(admin: Client, cast: Cast) -> None:
    assert list(errors(admin.post(page_of(cast.market), typed('{"whatever": 1}')))) == ["config"]
    assert admin.post(page_of(cast.market), typed()).status_code == 302


def test_the_list_and_the_page_show_how_a_source_is(admin: Client, cellar: DataSource) -> None:
    assert b"No worker has run it yet" in admin.get(LIST).content
    at = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
    SourceStatus.objects.create(
        source=cellar, state="down", hz=12.34, last_tick=at, message="HTTP 503 <b>", refused=7, worker="w-1"
    )
    for url in (LIST, page_of(cellar)):
        html = admin.get(url).content.decode()
        for words in ("Down", "12.3", "2026-03-01 12:30:15", "HTTP 503 &lt;b&gt;"):
            assert words in html, (url, words)


def test_what_the_worker_said_cannot_be_edited(admin: Client, cellar: DataSource) -> None:
    SourceStatus.objects.create(source=cellar, state="down", message="broken")
    admin.post(page_of(cellar), typed(state="live", message="all well", hz="99"))
    status = SourceStatus.objects.get(source=cellar)
    assert (status.state, status.message, status.hz) == ("down", "broken", 0.0)


def test_the_key_of_a_series_stays_while_its_label_changes(admin: Client, cellar: DataSource) -> None:
    series = Series.objects.create(source=cellar, key="wine")
    row = {"id": series.pk, "source": cellar.pk, "key": "hacked", "label": "Wine", "unit": "°C", "decimals": "1"}
    inline = {"series-TOTAL_FORMS": 1, "series-INITIAL_FORMS": 1, **{f"series-0-{name}": row[name] for name in row}}
    assert admin.post(page_of(cellar), typed(**inline)).status_code == 302
    series.refresh_from_db()
    assert (series.key, series.label, series.unit, series.decimals) == ("wine", "Wine", "°C", 1)


def test_a_source_with_more_series_than_a_form_holds_can_still_be_saved(admin: Client, cellar: DataSource) -> None:
    Series.objects.bulk_create(Series(source=cellar, key=f"key {number}") for number in range(300))
    html = admin.get(page_of(cellar)).content.decode()
    assert "All 300 series" in html
    assert "series-TOTAL_FORMS" not in html
    assert admin.post(page_of(cellar), typed(name="Deep cellar")).status_code == 302
    assert admin.get(f"/admin/dashboard/series/?source__id__exact={cellar.pk}").status_code == 200


def switch(admin: Client, action: str, *sources: DataSource) -> str:
    chosen = {"action": action, "_selected_action": [source.pk for source in sources]}
    response = admin.post(LIST, chosen, follow=True)
    return "".join(str(message) for message in response.context["messages"])


def test_sources_are_disabled_and_enabled_from_the_list(admin: Client, cast: Cast) -> None:
    assert switch(admin, "disable", cast.market, cast.vault) == "2 sources disabled."
    assert set(DataSource.objects.values_list("enabled", flat=True)) == {False}
    assert switch(admin, "enable", cast.market) == "1 source enabled."
    assert DataSource.objects.get(pk=cast.market.pk).enabled
    assert "already" in switch(admin, "enable", cast.market)


def test_each_switched_source_sends_its_signal(
    admin: Client, cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        switch(admin, "disable", cast.market)
    assert callbacks


def test_somebody_who_may_only_view_sees_the_page_and_cannot_switch(cast: Cast) -> None:
    cast.cy.is_staff = True
    cast.cy.save()
    cast.cy.user_permissions.add(Permission.objects.get(codename="view_datasource"))
    client = Client()
    client.force_login(cast.cy)
    assert client.get(page_of(cast.market)).status_code == 200
    switch(client, "disable", cast.market)
    assert client.post(page_of(cast.market), typed()).status_code == 403
    assert DataSource.objects.get(pk=cast.market.pk).enabled


def test_a_source_is_deleted_with_its_series_and_its_status(admin: Client, cast: Cast) -> None:
    SourceStatus.objects.create(source=cast.market)
    response = admin.post(f"/admin/dashboard/datasource/{cast.market.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert not Series.objects.filter(source__slug="market").exists()


def test_the_config_is_shown_field_by_field(admin: Client, cellar: DataSource) -> None:
    html = admin.get(page_of(cellar)).content.decode()
    assert Page(html).values["config.interval"] == "2.0"


# --- what can be done ---


def act(client: Client, source: DataSource, deed: str) -> Any:
    return client.post(f"/admin/dashboard/datasource/{source.pk}/act/", {"act": deed}, follow=True)


def happened(source: DataSource) -> list[tuple[str, str]]:
    return [(event.kind, event.person) for event in source.events.order_by("pk")]


def test_a_source_is_started_anew_by_a_button_and_from_the_list(admin: Client, cellar: DataSource) -> None:
    assert b"1 source started anew." in act(admin, cellar, "restart").content
    assert switch(admin, "restart", cellar) == "1 source started anew."
    cellar.refresh_from_db()
    assert cellar.restarts == 2
    assert happened(cellar)[-2:] == [("restarted", "root"), ("restarted", "root")]
    assert LogEntry.objects.filter(object_id=str(cellar.pk), change_message="Restarted.").count() == 2


def test_what_is_disabled_is_not_started_anew(admin: Client, cellar: DataSource) -> None:
    act(admin, cellar, "disable")
    assert "does not run" in switch(admin, "restart", cellar)
    cellar.refresh_from_db()
    assert (cellar.enabled, cellar.restarts) == (False, 0)
    act(admin, cellar, "enable")
    cellar.refresh_from_db()
    assert cellar.enabled
    assert happened(cellar)[1:] == [("disabled", "root"), ("enabled", "root")]


def test_a_copy_has_everything_but_the_series_and_does_not_run(admin: Client, cellar: DataSource) -> None:
    cellar.secrets = seal({"token": "hunter2"})
    cellar.max_series = 7
    cellar.save()
    Series.objects.create(source=cellar, key="wine")
    html = act(admin, cellar, "duplicate").content.decode()
    assert "disabled until somebody enables it" in html
    assert "hunter2" not in html
    copy = DataSource.objects.get(slug="cellar-2")
    assert (copy.name, copy.enabled, copy.kind, copy.config, copy.max_series) == (
        "Cellar (copy)",
        False,
        "thermometer",
        {"interval": 2.0},
        7,
    )
    assert unseal(copy.secrets) == {"token": "hunter2"}
    assert not copy.series.exists()
    assert happened(copy) == [("created", "root")]
    assert f'value="{copy.slug}"' in html, "the page that comes is that of the copy"
    act(admin, copy, "duplicate")
    assert DataSource.objects.filter(slug="cellar-3").exists()


@pytest.mark.parametrize("deed", ["restart", "enable", "disable", "duplicate"])
def test_somebody_who_may_only_view_can_do_nothing_to_a_source(cast: Cast, deed: str) -> None:
    cast.cy.is_staff = True
    cast.cy.save()
    cast.cy.user_permissions.add(Permission.objects.get(codename="view_datasource"))
    client = Client()
    client.force_login(cast.cy)
    html = client.get(page_of(cast.market)).content.decode()
    assert 'value="restart"' not in html
    assert act(client, cast.market, deed).status_code == 403
    switch(client, deed, cast.market)
    assert DataSource.objects.count() == 2
    assert [kind for kind, _ in happened(cast.market)] == ["created"]


def test_a_deed_that_is_none_and_a_source_that_is_none_are_refused(admin: Client, cast: Cast) -> None:
    assert act(admin, cast.market, "explode").status_code == 403
    missing = DataSource(pk=404)
    assert act(admin, missing, "restart").status_code == 403
    assert admin.get(f"/admin/dashboard/datasource/{cast.market.pk}/act/").status_code == 405


# --- the history ---


def test_the_page_shows_what_has_happened_newest_first_and_of_one_sort_only(admin: Client, cellar: DataSource) -> None:
    SourceEvent.write(
        [
            SourceEvent(source=cellar, kind="down", cause="HTTP 503 <b>", worker="mill:1"),
            SourceEvent(source=cellar, kind="gap", cause="lost", worker="mill:1", ticks=40),
        ]
    )
    html = admin.get(page_of(cellar)).content.decode()
    gap, down, created = (html.index(words) for words in ("40 ticks lost: lost", "HTTP 503 &lt;b&gt;", "a command or"))
    assert gap < down < created
    html = admin.get(page_of(cellar) + "?event=down").content.decode()
    assert "HTTP 503" in html
    assert "40 ticks lost" not in html
    html = admin.get(page_of(cellar) + "?event=late").content.decode()
    assert 'class="nothing">' in html


def test_a_form_that_is_saved_is_told_with_its_author(admin: Client, cellar: DataSource) -> None:
    admin.post(page_of(cellar), typed('{"interval": 5}'))
    event = cellar.events.first()
    assert event is not None
    assert (event.kind, event.cause, event.person) == (
        "changed",
        "max series from 1000 to 10; config: interval, places",
        "root",
    )


def test_the_pages_carry_what_their_script_needs_and_nothing_inline(admin: Client, cellar: DataSource) -> None:
    for url in (LIST, page_of(cellar)):
        html = admin.get(url).content.decode()
        config = json.loads(re.findall(r'id="page-config" type="application/json">(.*?)</script>', html)[0])
        assert config["sources"][str(cellar.pk)] == {"cadence": 1.0}
        assert f'data-source="{cellar.pk}" data-cell="state"' in html
        assert "js/pages/overseer.js" in html
        assert " style=" not in html.partition("<main")[2]
    assert config["history"] == cellar.events.latest("pk").pk


# --- words that are old ---


def test_words_that_no_worker_stands_by_are_not_shown_as_how_it_is(admin: Client, cellar: DataSource) -> None:
    SourceStatus.objects.create(source=cellar, state="live", hz=3.0)
    SourceStatus.objects.update(updated=datetime(2026, 3, 1, tzinfo=UTC))
    html = admin.get(LIST).content.decode()
    assert "<span>Unknown</span>" in html
    assert "No worker has spoken of it since 2026-03-01" in html


# --- series ---


def test_series_are_hidden_and_shown_again_from_their_list(admin: Client, cast: Cast) -> None:
    def do(action: str) -> str:
        chosen = {"action": action, "_selected_action": [cast.apple.pk, cast.microsoft.pk]}
        response = admin.post("/admin/dashboard/series/", chosen, follow=True)
        return "".join(str(message) for message in response.context["messages"])

    def offered() -> set[str]:
        where = "/admin/autocomplete/?app_label=dashboard&model_name=panelseries&field_name=series&term="
        return {row["text"] for row in admin.get(where).json()["results"]}

    assert offered() == {"Apple", "Microsoft", "GOLD"}
    assert do("hide") == "2 series hidden."
    assert set(Series.objects.filter(hidden=True)) == {cast.apple, cast.microsoft}
    assert offered() == {"GOLD"}
    assert cast.market.events.filter(cause="series AAPL: hidden from no to yes", person="root").exists()
    assert do("show") == "2 series shown again."
    assert not Series.objects.filter(hidden=True).exists()
