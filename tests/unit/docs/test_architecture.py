"""Tests that docs/architecture.md describes the house that is there: rooms, tasks, bounds, names."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
from django.conf import settings

from config import attempts, lifecycle
from dashboard.feeds.limits import Limits
from dashboard.ingest import worker
from dashboard.live import advance, hub, mailbox, wire
from dashboard.models import offload
from dashboard.ticklog import redis
from dashboard.timeseries import ring
from tests.architecture import python
from tests.unit.docs.pages import DOCS, PAGES, ROOT, flat, read, section, spans, table

PAGE = read("architecture.md")


def test_the_import_table_is_the_one_that_is_enforced() -> None:
    described: dict[str, tuple[str, ...]] = {}
    also: dict[str, tuple[str, ...]] = {}
    for who, what in table(PAGE, "room or door"):
        common, _, special = what.partition(";")
        for name in spans(who):
            described[name] = ("*",) if common == "anything" else tuple(spans(common))
        if special:
            module, *extra = spans(special)
            also[module] = tuple(extra)
    assert {name: set(allowed) for name, allowed in described.items()} == {
        name: set(allowed) for name, allowed in python.TABLE.items()
    }
    assert {name: set(allowed) for name, allowed in also.items()} == {
        name: set(allowed) for name, allowed in python.ALSO.items()
    }


def test_every_room_that_is_built_is_described() -> None:
    packages = {path.parent.name for path in (ROOT / "dashboard").glob("*/__init__.py")}
    doors = {"admin", "api", "management", "migrations", "models", "templatetags"}
    assert {cells[0].strip("`") for cells in table(PAGE, "room", "holds")} == packages - doors


def test_the_map_of_the_readme_names_what_is_there() -> None:
    map_ = section((ROOT / "README.md").read_text(), "Where things are").partition("\n\n[")[0]
    folders = {"config", "dashboard", "templates", "static", "tests", "bench", "deploy", "scripts", "docs"}
    assert set(re.findall(r"(\w+)/", map_)) == folders
    rooms = {cells[0].strip("`") for cells in table(PAGE, "room", "holds")}
    assert set(re.findall(r"our rooms:\n(.+)", map_)[0].split()) == rooms
    tests = [*(ROOT / "tests").glob("*/test_*.py"), *(ROOT / "tests").glob("*/*.test.mjs")]
    assert set(re.findall(r"tests/(.+)", map_)[0].split()) == {"unit", *(path.parent.name for path in tests)}


def test_contributing_names_every_door() -> None:
    doors = set(python.TABLE) - {cells[0].strip("`") for cells in table(PAGE, "room", "holds")} - {"history", "alerts"}
    assert doors - set(spans(section((ROOT / "CONTRIBUTING.md").read_text(), "Doors and rooms"))) == set()


def test_every_task_is_described() -> None:
    described = {cells[0].strip("`") for cells in table(PAGE, "task", "runs")}
    code = (ROOT / "config/lifecycle.py").read_text()
    started = set(re.findall(r'"(hub\.\w+)"', code)) | set(re.findall(r'_tasks\.start\("(\w+)"', code))
    started |= set(lifecycle.make_worker().tasks())
    assert described == started


BOUNDS = {
    "failed logins": f"{attempts.MOST:,} of each (`attempts.MOST`)",
    "the mailbox": f"{mailbox.MOST} messages (`mailbox.MOST`)",
    "the wire": f"{wire.BACKLOG_BYTES // 2**20} MiB (`BACKLOG_BYTES`)",
    "texts in the log": f"{ring.TEXT_BUDGET // 2**20} MiB of text (`TEXT_BUDGET`)",
    "a block": f"blocks of {ring.BLOCK:,} ticks",
    "a frame": f"{advance.FRAME_BYTES // 1024} KiB (`FRAME_BYTES`)",
    "a step": f"{advance.STEP_TICKS:,} ticks at most (`STEP_TICKS`)",
    "a step, unmerged": f"{advance.STEP_TICKS_UNMERGED:,} when nothing may be merged (`STEP_TICKS_UNMERGED`)",
    "keys turned away": f"{Limits().remembered_keys:,} (`Limits.remembered_keys`)",
    "a feed that waits": f"after {Limits().sink:g} s (`Limits.sink`)",
    "a part of a batch": f"parts of {Limits().rows:,} rows",
    "the layer": f"{settings.CHANNEL_LAYERS['default']['CONFIG']['capacity']:,} messages a channel",
    "a lost doorbell": {1.0: "every second (`ROUND`)"}.get(hub.ROUND, "?"),
    "a lease": f"lasts {redis.LEASE_MS // 1000} s (`LEASE_MS`)",
    "its renewal": f"every {worker.RENEW:g} s (`RENEW`)",
    "the end without one": f"for {worker.GIVE_UP:g} s (`GIVE_UP`)",
    "database threads": {4: "four at a time"}.get(offload._threads._max_workers, "?"),
}


@pytest.mark.parametrize("words", BOUNDS.values(), ids=BOUNDS)
def test_a_bound_is_the_one_in_the_code(words: str) -> None:
    assert words in flat(PAGE)


def names() -> dict[str, set[str]]:
    """Maps the classes of the project to the names that they define, and "" to what modules define."""
    found: dict[str, set[str]] = {"": set()}
    for package in ("config", "dashboard"):
        for path in (ROOT / package).rglob("*.py"):
            tree: Any = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, set()).update(_defined(node))
            found[""] |= _defined(tree)
    return found


def _defined(node: Any) -> set[str]:
    defined: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(child.name)
        elif isinstance(child, ast.AnnAssign | ast.Assign):
            for target in child.targets if isinstance(child, ast.Assign) else [child.target]:
                defined.add(getattr(target, "id", getattr(target, "attr", "")))
    return defined


@pytest.mark.parametrize("path", [p for p in PAGES if p.is_relative_to(DOCS)], ids=lambda p: p.name)
def test_classes_and_methods_on_a_page_exist(path: Any) -> None:
    known = names()
    code = "".join(file.read_text() for package in ("config", "dashboard") for file in (ROOT / package).rglob("*.py"))
    for span in spans(path.read_text()):
        named = re.fullmatch(r"([A-Z][A-Za-z]+)\.(\w+)(\(.*\))?", span)
        if named and named[1] not in ("Intl", "JSON"):
            assert named[1] in known, span
            assert named[2] in known[named[1]], span
        elif re.fullmatch(r"[A-Z][A-Z_]{3,}", span) and "_" in span and not span.startswith("TICKWALL"):
            assert span in code, span


def test_the_walk_names_functions_that_exist() -> None:
    known = set().union(*names().values())
    for name in ("sift", "settle", "conflate", "verdict"):
        assert f"`{name}`" in PAGE
        assert name in known
    assert section(PAGE, "The walk of a tick").count("\n1. ") == 1
