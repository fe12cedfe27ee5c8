from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.models import Dashboard, Panel
from dashboard.models.board import PanelSeries
from tests.unit.models.cast import Cast


def board_form(*panels: dict[str, Any], kept: int = 0) -> dict[str, Any]:
    form: dict[str, Any] = {"title": "Board", "slug": "board", "visibility": "private", "owner": ""}
    form |= {"panels-TOTAL_FORMS": len(panels), "panels-INITIAL_FORMS": kept}
    for number, panel in enumerate(panels):
        full = {"kind": "line", "title": "", "x": 0, "y": 0, "w": 4, "h": 3, "options": "{}", **panel}
        form |= {f"panels-{number}-{name}": value for name, value in full.items()}
    return form


def test_a_dashboard_is_made_with_its_panels(admin: Client, cast: Cast) -> None:
    form = board_form({"x": 8}, {"kind": "text", "options": '{"text": "hello"}'}) | {"slug": "new"}
    assert admin.post("/admin/dashboard/dashboard/add/", form).status_code == 302
    panels = Dashboard.objects.get(slug="new").panels.order_by("id")
    assert [panel.options for panel in panels] == [{}, {"text": "hello"}]


def test_whoever_makes_a_dashboard_is_offered_as_its_owner(admin: Client, cast: Cast) -> None:
    response = admin.get("/admin/dashboard/dashboard/add/")
    assert response.context["adminform"].form.initial["owner"] == cast.root.pk
    assert admin.get("/admin/dashboard/dashboard/add/?owner=abc").status_code == 200


@pytest.mark.parametrize("options", ["[]", "3", "{", '{"a": NaN}', "[" * 20_000])
def test_panel_options_that_are_no_json_object_are_refused(admin: Client, cast: Cast, options: str) -> None:
    response = admin.post("/admin/dashboard/dashboard/add/", board_form({"options": options}) | {"slug": "new"})
    assert list(response.context["inline_admin_formsets"][0].formset.errors[0]) == ["options"]


@pytest.mark.parametrize(
    ("place", "field"),
    [({"x": 9}, "w"), ({"x": 12, "w": 1}, "x"), ({"w": 0}, "w"), ({"w": 13}, "w"), ({"h": 0}, "h"), ({"y": -1}, "y")],
)
def test_a_panel_that_leaves_the_grid_is_refused(admin: Client, cast: Cast, place: dict[str, int], field: str) -> None:
    response = admin.post("/admin/dashboard/dashboard/add/", board_form(place) | {"slug": "new"})
    assert field in response.context["inline_admin_formsets"][0].formset.errors[0]


def test_the_series_of_a_panel_have_an_order_and_come_once_each(admin: Client, cast: Cast) -> None:
    url = f"/admin/dashboard/panel/{cast.panel.pk}/change/"
    assert admin.get(url).status_code == 200
    kept = PanelSeries.objects.get(panel=cast.panel)
    form = {
        "dashboard": cast.board.pk,
        **{"kind": "line", "title": "", "x": 0, "y": 0, "w": 4, "h": 3, "options": "{}"},
        **{"panelseries_set-TOTAL_FORMS": 2, "panelseries_set-INITIAL_FORMS": 1},
        **{"panelseries_set-0-id": kept.pk, "panelseries_set-0-panel": cast.panel.pk},
        **{"panelseries_set-0-series": cast.apple.pk, "panelseries_set-0-position": 1},
        **{"panelseries_set-1-panel": cast.panel.pk, "panelseries_set-1-position": 0},
    }
    twice = admin.post(url, form | {"panelseries_set-1-series": cast.apple.pk})
    assert twice.status_code == 200
    assert admin.post(url, form | {"panelseries_set-1-series": cast.microsoft.pk}).status_code == 302
    ordered = PanelSeries.objects.filter(panel=cast.panel)
    assert [row.series for row in ordered] == [cast.microsoft, cast.apple]
    assert Panel.objects.get(pk=cast.panel.pk).kind == "line"


@pytest.mark.parametrize("model", ["dashboard", "panel", "series", "datasource", "apitoken"])
def test_every_list_answers_also_to_a_search(admin: Client, cast: Cast, model: str) -> None:
    assert admin.get(f"/admin/dashboard/{model}/").status_code == 200
    assert admin.get(f"/admin/dashboard/{model}/?q=market").status_code == 200
