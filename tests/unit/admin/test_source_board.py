"""Tests that the series of a source get onto a dashboard, on panels that fit, by whoever may do that."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from dashboard.models import Dashboard, DataSource, Series
from tests.unit.models.cast import Cast


@pytest.fixture
def boiler(cast: Cast) -> DataSource:
    return DataSource.objects.create(name="Boiler", slug="boiler", kind="boiler")


def board_of(source: DataSource) -> str:
    return f"/admin/dashboard/datasource/{source.pk}/board/"


def series(source: DataSource, *keys: str) -> list[Series]:
    return [source.series.create(key=key, text=key.startswith("mode")) for key in keys]


def put(client: Client, source: DataSource, chosen: list[Series], **given: object) -> Dashboard:
    response = client.post(board_of(source), {"series": [each.pk for each in chosen], **given})
    assert response.status_code == 302, response.context["form"].errors
    return Dashboard.objects.get(slug=response["Location"].split("/")[2])


def test_a_few_series_get_tiles_and_lines_on_a_new_dashboard(admin: Client, cast: Cast, boiler: DataSource) -> None:
    flow, mode = series(boiler, "flow", "mode")
    board = put(admin, boiler, [flow, mode], title="Boiler", board="")
    assert (board.owner, board.visibility, board.slug) == (cast.root, "private", "boiler")
    shown = [(panel.kind, (panel.x, panel.y, panel.w), [*panel.series.all()]) for panel in board.panels.all()]
    assert shown == [("stat", (0, 0, 6), [flow]), ("stat", (6, 0, 6), [mode]), ("line", (0, 1, 12), [flow])]
    again = put(admin, boiler, [flow], title="Boiler", board="")
    assert again.slug == "boiler-2"


def test_many_series_get_a_list_below_what_is_on_a_dashboard(admin: Client, cast: Cast, boiler: DataSource) -> None:
    many = series(boiler, *(f"s{number}" for number in range(10)))
    lowest = max(panel.y + panel.h for panel in cast.board.panels.all())
    board = put(admin, boiler, many, board=cast.board.pk, title="")
    shown = {panel.kind: (panel.y, panel.series.count()) for panel in board.panels.exclude(pk=cast.panel.pk)}
    assert shown == {"watchlist": (lowest, 10), "line": (lowest, 8)}
    for panel in board.panels.all():
        panel.full_clean()


def test_a_source_without_series_is_looked_at_again(admin: Client, boiler: DataSource) -> None:
    response = admin.get(board_of(boiler))
    assert response["Refresh"] == "2"
    assert "has no series yet" in response.content.decode()
    series(boiler, "flow")
    response = admin.get(board_of(boiler))
    assert "Refresh" not in response
    assert response.context["form"].initial["title"] == "Boiler"


def test_a_dashboard_without_a_name_and_series_of_others_are_refused(
    admin: Client, cast: Cast, boiler: DataSource
) -> None:
    (flow,) = series(boiler, "flow")
    response = admin.post(board_of(boiler), {"series": [flow.pk], "title": " ", "board": ""})
    assert list(response.context["form"].errors) == ["title"]
    response = admin.post(board_of(boiler), {"series": [cast.secret.pk], "title": "x"})
    assert list(response.context["form"].errors) == ["series"]
    assert Dashboard.objects.count() == 1


def test_it_takes_the_rights_to_do_so(cast: Cast, boiler: DataSource) -> None:
    (flow,) = series(boiler, "flow")
    cast.cy.is_staff = True
    cast.cy.save()
    client = Client()
    client.force_login(cast.cy)
    assert client.get(board_of(boiler)).status_code == 403
    names = ("view_datasource", "add_panel", "change_dashboard")
    cast.cy.user_permissions.add(*Permission.objects.filter(codename__in=names))
    response = client.post(board_of(boiler), {"series": [flow.pk], "title": "Mine", "board": ""})
    assert list(response.context["form"].errors) == ["board"], "no right to add a dashboard"
    assert put(client, boiler, [flow], board=cast.board.pk).pk == cast.board.pk
    assert client.get("/admin/dashboard/datasource/404/board/").status_code == 404


def test_after_a_source_is_added_the_way_to_a_dashboard_is_shown(admin: Client) -> None:
    form = {"name": "Cellar", "slug": "cellar", "kind": "thermometer", "enabled": "on", "cadence": "1"}
    inline = {"max_series": "10", "config": "{}", "series-TOTAL_FORMS": 0, "series-INITIAL_FORMS": 0}
    response = admin.post("/admin/dashboard/datasource/add/", {**form, **inline}, follow=True)
    assert board_of(DataSource.objects.get(slug="cellar")) in response.content.decode()
