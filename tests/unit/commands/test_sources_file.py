"""Tests sources as a file: out and in again, judged whole, and never with a secret."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from dashboard.feeds import registry
from dashboard.models import DataSource, Series
from dashboard.models.secrets import seal, unseal
from tests.unit.admin.kinds.boiler import Boiler

PLANTED = "correct horse battery"


@pytest.fixture(autouse=True)
def there_are_boilers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._registry._loaded, "boiler", Boiler)
    monkeypatch.setitem(registry._registry._added, "boiler", "tests.unit.admin.kinds.boiler")


@pytest.fixture
def boiler(db: None) -> DataSource:
    row = DataSource.objects.create(
        name="Boiler", slug="boiler", kind="boiler", config={"url": "http://boiler.example/", "readings": []}
    )
    row.secrets = seal({"password": PLANTED})
    row.save()
    return row


def run(*arguments: str) -> str:
    said = io.StringIO()
    call_command("source", *arguments, stdout=said)
    return said.getvalue()


def file(tmp_path: Path, *sources: dict[str, Any]) -> str:
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump({"sources": list(sources)}))
    return str(path)


NEW = {"slug": "market", "kind": "simulated", "config": {"symbols": 3}}


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_exported_is_imported_without_a_change(boiler: DataSource, tmp_path: Path, form: str) -> None:
    out = run("export", "--format", form)
    assert PLANTED not in out
    assert boiler.secrets not in out
    (entry,) = (json.loads(out) if form == "json" else yaml.safe_load(out))["sources"]
    assert (entry["slug"], entry["secrets"]) == ("boiler", ["password"])
    path = tmp_path / "sources"
    path.write_text(out)
    run("import", str(path), "--format", form)
    assert "0 of 1 sources changed." in run("import", str(path), "--format", form)
    boiler.refresh_from_db()
    assert unseal(boiler.secrets) == {"password": PLANTED}


def test_the_file_on_another_site_says_which_secrets_are_to_be_set(boiler: DataSource, tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(run("export"))
    boiler.delete()
    said = run("import", str(path))
    assert "boiler is added." in said
    assert "To be set: manage.py source secret boiler password" in said
    assert DataSource.objects.get().secrets == ""


def test_a_dry_run_shows_the_difference_and_writes_nothing(boiler: DataSource, tmp_path: Path) -> None:
    path = file(tmp_path, NEW, {"slug": "boiler", "kind": "boiler", "cadence": 5.0})
    said = run("import", path, "--dry-run")
    assert "-  cadence: 1.0" in said
    assert "+  cadence: 5.0" in said
    assert "+- slug: market" in said
    assert "2 of 2 sources would change; nothing was written." in said
    assert [row.cadence for row in DataSource.objects.all()] == [1.0]


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_a_person_has_set_of_series_goes_out_and_in_again(boiler: DataSource, tmp_path: Path, form: str) -> None:
    boiler.series.create(key="t", label="Boiler, above", unit="°C", decimals=0)
    boiler.series.create(key="mode", text=True, hidden=True)
    boiler.series.create(key="plain")
    facts = ("key", "label", "unit", "decimals", "text", "hidden")
    before = list(Series.objects.exclude(key="plain").order_by("key").values_list(*facts))
    path = tmp_path / "sources"
    path.write_text(run("export", "--format", form))
    assert "plain" not in path.read_text(), "of this one there is nothing to say"
    run("import", str(path), "--format", form)  # completes the config, which is a change
    assert "0 of 1 sources changed." in run("import", str(path), "--format", form)
    boiler.series.update(label="", unit="x", decimals=3)
    assert "1 of 1 sources changed." in run("import", str(path), "--format", form)
    boiler.delete()
    run("import", str(path), "--format", form)
    assert list(Series.objects.order_by("key").values_list(*facts)) == before


def test_what_the_file_does_not_say_of_a_series_stays(boiler: DataSource, tmp_path: Path) -> None:
    boiler.series.create(key="t", label="Above", unit="°C")
    path = file(tmp_path, {"slug": "boiler", "kind": "boiler", "series": [{"key": "t", "unit": "K"}]})
    assert "+    unit: K" in run("import", path, "--dry-run").replace("  - unit", "    unit")
    assert Series.objects.get().unit == "°C"
    run("import", path)
    assert [(row.label, row.unit) for row in Series.objects.all()] == [("Above", "K")]


def test_what_the_file_does_not_name_stays(boiler: DataSource, tmp_path: Path) -> None:
    run("import", file(tmp_path, NEW))
    assert {row.slug for row in DataSource.objects.all()} == {"boiler", "market"}
    assert DataSource.objects.get(slug="market").config["symbols"] == 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"slug": "x"}, "It needs a slug and a kind"),
        ({"slug": "x", "kind": "crystal-ball"}, "x: There is no kind of source called “crystal-ball”"),
        ({"slug": "x", "kind": "simulated", "colour": 1}, "x: colour: there is no such field.$"),
        ({"slug": "x", "kind": "simulated", "config": {"rate": 0}}, "x: rate: "),
        ({"slug": "x", "kind": "simulated", "config": []}, "x: config: "),
        ({"slug": "x", "kind": "simulated", "cadence": "soon"}, "x: cadence: "),
        ({"slug": "x", "kind": "simulated", "cadence": 10**400}, "x: cadence: "),
        ({"slug": "two words", "kind": "simulated"}, "two words: slug: "),
        ({"slug": "market", "kind": "simulated"}, "market: it is there twice"),
        ({"slug": "x", "kind": "simulated", "series": {"A": 1}}, "x: series: a list is wanted"),
        ({"slug": "x", "kind": "simulated", "series": [{"key": "A", "colour": 1}]}, "x: series A: colour: there is no"),
        ({"slug": "x", "kind": "simulated", "series": [{"key": "A", "decimals": -1}]}, "x: series A: decimals: "),
        ({"slug": "x", "kind": "simulated", "series": [{"key": "A", "decimals": 13}]}, "x: series A: decimals: "),
        ({"slug": "x", "kind": "simulated", "series": [{"key": "A"}, {"key": "A"}]}, "x: series: a key is there twice"),
        (
            {"slug": "x", "kind": "simulated", "max_series": 1, "series": [{"key": "A"}, {"key": "B"}]},
            "x: series: there would be 2",
        ),
        (
            {"slug": "x", "kind": "boiler", "config": {"url": "http://a.b/", "password": PLANTED}},
            "password is a secret",
        ),
    ],
)
def test_one_mistake_and_nothing_of_the_file_is_written(
    db: None, tmp_path: Path, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        run("import", file(tmp_path, NEW, wrong))
    assert PLANTED not in str(caught.value)
    assert not DataSource.objects.exists()


@pytest.mark.parametrize("text", ["{", "sources: 3", "- a", "sources: [1]", "sources: [{slug: .nan}]", ""])
def test_what_is_no_file_of_sources_is_said(db: None, tmp_path: Path, text: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    with pytest.raises(CommandError, match="Nothing was imported"):
        run("import", str(path))


def test_a_file_that_moves_a_source_to_another_host_takes_its_secrets_away(boiler: DataSource, tmp_path: Path) -> None:
    config = {"url": "http://evil.example/"}
    said = run("import", file(tmp_path, {"slug": "boiler", "kind": "boiler", "config": config}))
    assert "To be set: manage.py source secret boiler password" in said
    boiler.refresh_from_db()
    assert boiler.secrets == ""


def test_a_secret_is_read_from_standard_input(boiler: DataSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("another one\n"))
    assert "another one" not in run("secret", "boiler", "password")
    boiler.refresh_from_db()
    assert unseal(boiler.secrets) == {"password": "another one"}
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PLANTED * 3}\n"))
    with pytest.raises(CommandError, match="password: ") as caught:
        run("secret", "boiler", "password")
    assert PLANTED not in str(caught.value)
    with pytest.raises(CommandError, match=r"has no secret called url. It has: password, token"):
        run("secret", "boiler", "url")
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert "taken away" in run("secret", "boiler", "password")
    boiler.refresh_from_db()
    assert boiler.secrets == ""
