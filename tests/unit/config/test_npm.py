from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders

from config.staticfiles import NpmFinder


@pytest.fixture
def packages(settings: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "node_modules"
    for name in ("plot/dist/plot.js", "plot/dist/plot.css", "plot/src/secret.js", "other/index.js"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    settings.NPM_DIR = folder
    settings.NPM_MODULES = {"plot": "plot/dist/plot.js"}
    settings.NPM_FILES = ["plot/dist/*.css"]
    return folder


def test_only_what_the_settings_name_is_found(packages: Path) -> None:
    finder = NpmFinder()
    assert finder.find("npm/plot/dist/plot.js") == str(packages / "plot/dist/plot.js")
    assert finder.find("npm/plot/dist/plot.css", find_all=True) == [str(packages / "plot/dist/plot.css")]
    for name in ("npm/plot/src/secret.js", "npm/other/index.js", "plot/dist/plot.js", "npm/plot/dist/none.css"):
        assert finder.find(name) == []
    assert finder.find("npm/plot/dist/../src/plot.css") == []


def test_only_that_is_collected(packages: Path) -> None:
    finder = NpmFinder()
    assert [name for name, _ in finder.list([])] == ["plot/dist/*.css".replace("*", "plot"), "plot/dist/plot.js"]
    assert [name for name, _ in finder.list(["*.css"])] == ["plot/dist/plot.js"]
    assert finder.storage.prefix == "npm"  # type: ignore[attr-defined]


def test_a_missing_file_is_a_check_that_says_what_to_do(packages: Path) -> None:
    assert NpmFinder().check() == []
    (packages / "plot/dist/plot.js").unlink()
    (fault,) = NpmFinder().check()
    assert (fault.id, fault.hint) == ("tickwall.npm", "Run: make setup")
    assert "plot/dist/plot.js" in str(fault.msg)


def test_the_project_s_own_packages_are_there() -> None:
    assert NpmFinder().check() == []
    assert finders.find("npm/uplot/dist/uPlot.iife.min.js")
    assert not finders.find("npm/axe-core/axe.min.js")
