from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from dashboard.feeds.registry import kind, validated
from dashboard.management.demo import chosen
from dashboard.models import Dashboard, DataSource, Panel, Series, Viewer
from dashboard.models.rights import visible_series


@pytest.fixture
def seeded(db: None, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("seed_demo")
    return capsys.readouterr().out


def everything() -> list[object]:
    models = (DataSource, Series, Dashboard, Panel, Panel.series.through, User)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def test_the_password_is_printed_once_and_holds(seeded: str, capsys: pytest.CaptureFixture[str]) -> None:
    (password,) = re.findall(r"password (\S+)", seeded)
    admin = User.objects.get(username="admin")
    assert admin.check_password(password)
    assert admin.is_superuser
    call_command("seed_demo")
    assert capsys.readouterr().out == ""


def test_a_second_time_changes_nothing(seeded: str) -> None:
    before = everything()
    call_command("seed_demo")
    call_command("seed_demo", add=True)
    assert everything() == before


def test_what_the_operator_changed_or_deleted_stays_so(seeded: str) -> None:
    DataSource.objects.filter(slug="market").update(name="Mine", enabled=False, config={"symbols": 1})
    DataSource.objects.get(slug="host").delete()
    Dashboard.objects.get(slug="host").delete()
    Panel.objects.filter(kind="candles").delete()
    before = everything()
    call_command("seed_demo")
    assert everything() == before


def test_asked_to_add_it_brings_back_only_what_is_missing(seeded: str) -> None:
    DataSource.objects.filter(slug="market").update(name="Mine")
    DataSource.objects.get(slug="host").delete()
    call_command("seed_demo", add=True)
    assert DataSource.objects.get(slug="market").name == "Mine"
    assert DataSource.objects.filter(slug="host").exists()


def test_a_site_in_use_gets_no_demo(db: None) -> None:
    DataSource.objects.create(name="Mine", slug="mine", kind="host")
    call_command("seed_demo")
    assert [source.slug for source in DataSource.objects.all()] == ["mine"]


def test_a_user_called_admin_who_is_no_superuser_stays_what_he_is(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create_user("admin")
    call_command("seed_demo")
    out, err = capsys.readouterr()
    assert "password" not in out
    assert "createsuperuser" in err
    assert not User.objects.get(username="admin").is_superuser


def test_the_sources_are_such_as_their_kinds_accept_and_have_their_series(seeded: str) -> None:
    for source in DataSource.objects.all():
        feed = kind(source.kind)
        specs = feed(validated(feed, source.config)).series()
        assert [(row.key, row.decimals) for row in source.series.all()] == [(spec.key, spec.decimals) for spec in specs]
    assert Series.objects.filter(source__slug="market").count() >= 24


@pytest.mark.parametrize("slug", ["market", "host"])
def test_the_panels_fill_ten_rows_of_the_grid_without_overlap_and_are_valid(seeded: str, slug: str) -> None:
    taken: dict[tuple[int, int], Panel] = {}
    for panel in Dashboard.objects.get(slug=slug).panels.all():
        panel.full_clean()
        assert panel.kind == "sources" or panel.series.exists()
        for x in range(panel.x, panel.x + panel.w):
            for y in range(panel.y, panel.y + panel.h):
                assert (x, y) not in taken, (panel, taken[x, y])
                taken[x, y] = panel
    assert set(taken) == {(x, y) for x in range(12) for y in range(10)}


def test_everybody_may_see_the_demo(seeded: str) -> None:
    assert Dashboard.objects.visible_to(Viewer()).count() == 2
    assert visible_series(Viewer()).filter(source__slug="market").exists()


def test_keys_are_chosen_in_the_order_asked_for() -> None:
    assert chosen(["b", "a*", "x"], ["a1", "a2", "b"]) == ["b", "a1", "a2"]
