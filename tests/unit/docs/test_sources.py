"""Tests that docs/sources.md describes the kinds that there are, and that its example runs."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dashboard.feeds import registry
from dashboard.feeds.base import SeriesInfo, SeriesSpec, SourceSpec
from dashboard.feeds.extract import Extraction
from dashboard.feeds.health import Health
from dashboard.feeds.limits import Limits
from dashboard.feeds.registry import Registry
from dashboard.feeds.runner import Runner
from dashboard.models import DataSource
from dashboard.timeseries.tick import Ticks
from tests.unit.docs.pages import read, section, table

PAGE = read("sources.md")


# Fields that kinds have in common are described once.
SHARED = {"Picking values out of JSON": Extraction}


@pytest.mark.parametrize("name", [*SHARED, *registry.kinds()])
def test_every_kind_has_a_heading_and_its_fields_are_described(name: str) -> None:
    config = SHARED[name] if name in SHARED else registry.kind(name).Config
    shared = {field for other in SHARED.values() if issubclass(config, other) for field in other.model_fields}
    fields = {field: info for field, info in config.model_fields.items() if name in SHARED or field not in shared}
    described = {cells[0].strip("`"): cells[1].strip("`") for cells in table(section(PAGE, name), "field", "default")}
    assert described.keys() == fields.keys()
    for field, default in described.items():
        if default:
            assert json.loads(default) == fields[field].default, field
        else:
            assert fields[field].is_required(), field


def test_what_all_sources_have_is_described() -> None:
    for name, default, _ in table(section(PAGE, "What all have"), "field", "default"):
        field = DataSource._meta.get_field(name.strip("`"))
        if default:
            given = field.get_default()
            assert json.loads(default.strip("`")) == given


def test_the_configs_on_the_page_are_accepted() -> None:
    for name in registry.kinds():
        for config in re.findall(r"```json\n(.*?)```", section(PAGE, name), flags=re.S):
            registry.validated(registry.kind(name), json.loads(config))


@pytest.fixture
def kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package that holds the kind of the page, as if somebody had copied it."""
    name, code = re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", PAGE, flags=re.S)[0]
    package = tmp_path / "copied_kinds"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("copied_kinds")


async def test_the_kind_on_the_page_runs(kinds: ModuleType, tmp_path: Path) -> None:
    found = Registry(kinds)
    assert found.errors() == {}
    thermometer = tmp_path / "temp1_input"
    thermometer.write_text("21.43219\n")
    taken: list[Ticks] = []
    said: list[Health] = []

    async def sink(source: int, ticks: Ticks) -> None:
        taken.append(ticks)

    async def admit(source: int, specs: Sequence[SeriesSpec]) -> Mapping[str, SeriesInfo]:
        return {spec.key: SeriesInfo(1, spec.decimals) for spec in specs}

    config: dict[str, Any] = {"path": str(thermometer), "interval": 0.1, "unit": "°C"}
    runner = Runner(
        SourceSpec(1, "cellar", "number_file", config, 1.0),
        sink=sink,
        admit=admit,
        announce=lambda source, health: said.append(health),
        limits=Limits(look=0.02),
        kind_of=found.kind,
    )
    running = asyncio.create_task(runner.run())
    try:
        await _until(lambda: bool(taken))
        assert taken[0].values.tolist() == [21.432]
        thermometer.write_text("broken")
        await _until(lambda: said[-1].state == "down")
        assert said[-1].msg.startswith("“broken” is not a number; next try in ")
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _until(condition: Any) -> None:
    end = asyncio.get_running_loop().time() + 10
    while not condition():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)
