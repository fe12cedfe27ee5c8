"""The import table of docs/architecture.md holds, and these tests would notice if it did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import browser, python

ROOT = Path(__file__).resolve().parent.parent.parent
RULES: list[Callable[[Path], Iterator[str]]] = [
    python.against_the_table,
    python.against_purity,
    python.cycles,
    python.names,
    python.openings,
    python.strangers_among_tests,
    browser.against_the_table,
    browser.against_globals,
    browser.names,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}")
def test_the_project_keeps_the_rule(rule: Callable[[Path], Iterator[str]]) -> None:
    faults = list(rule(ROOT))
    assert not faults, "\n" + "\n".join(faults)


def test_the_project_is_what_is_read() -> None:
    found = {(arrow.source, arrow.target) for arrow in python.arrows(ROOT)}
    assert ("dashboard.ticklog.base", "dashboard.timeseries.tick") in found
    assert ("dashboard.models.board", "django.db") in found


def test_every_exception_from_the_ban_on_cycles_is_still_needed() -> None:
    for arrow in python.BACKWARDS:
        others = {other: why for other, why in python.BACKWARDS.items() if other != arrow}
        assert list(python.cycles(ROOT, others)), f"{arrow} closes no cycle any more"


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Returns the function that writes files, with the packages around them, and returns their root."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if path.suffix == ".py":
                for folder in list(path.relative_to(tmp_path).parents)[:-1]:
                    (tmp_path / folder / "__init__.py").touch()
        return tmp_path

    return write


TABLE_FAULTS = {
    "a plain import": ("live/hub.py", "import dashboard.feeds.runner"),
    "a package named by its room": ("live/hub.py", "from dashboard import feeds"),
    "a relative import": ("live/hub.py", "from ..feeds import runner"),
    "one that only a function makes": ("live/hub.py", "def f():\n    from dashboard.ingest import worker"),
    "one for the type checker": (
        "feeds/base.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from dashboard.models import Series",
    ),
    "one in an except branch": (
        "timeseries/ring.py",
        "try:\n    import x\nexcept ImportError:\n    import dashboard.models",
    ),
    "one by name": ("ticklog/base.py", "from importlib import import_module\nimport_module('dashboard.live.hub')"),
    "one by a name put together": ("views.py", "import importlib\nimportlib.import_module(f'dashboard.feeds.{x}')"),
    "more of feeds than the registry": ("admin/sources.py", "from dashboard.feeds.runner import run"),
    "models, but not through access": ("live/hub.py", "from dashboard.models import Series"),
    "a door by a room": ("history/writer.py", "from dashboard.views import page"),
    "a room that is not in the table": ("reports/pdf.py", ""),
}


@pytest.mark.parametrize(("name", "code"), TABLE_FAULTS.values(), ids=TABLE_FAULTS)
def test_a_forbidden_import_is_seen(tree: Callable[[dict[str, str]], Path], name: str, code: str) -> None:
    root = tree({"dashboard/feeds/runner.py": "", "dashboard/ingest/worker.py": "", f"dashboard/{name}": code})
    assert len(list(python.against_the_table(root))) == 1


def test_permitted_imports_are_not_held_against_anybody(tree: Callable[[dict[str, str]], Path]) -> None:
    root = tree(
        {
            "dashboard/live/access.py": "from dashboard.models import Series",
            "dashboard/live/hub.py": "from dashboard.live import access\nfrom dashboard.ticklog.base import TickLog",
            "dashboard/admin/sources.py": "from dashboard.feeds import registry\nimport dashboard.feeds.registry",
            "dashboard/feeds/registry.py": "import dashboard\nimport dashboardish.feeds",
            "dashboard/management/commands/tail.py": "from dashboard.feeds import runner\nimport dashboard.live.hub",
        }
    )
    assert list(python.against_the_table(root)) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("timeseries/ring.py", "import time"),
        ("protocol/frames.py", "from django.conf import settings"),
        ("live/session.py", "def f():\n    from asyncio import sleep"),
        ("feeds/kinds/host.py", "from django.db import models"),
    ],
)
def test_pure_code_may_not_reach_for_the_world(tree: Callable[[dict[str, str]], Path], name: str, code: str) -> None:
    assert len(list(python.against_purity(tree({f"dashboard/{name}": code})))) == 1


def test_a_cycle_is_seen_even_if_a_function_closes_it(tree: Callable[[dict[str, str]], Path]) -> None:
    root = tree(
        {
            "dashboard/feeds/a.py": "from dashboard.feeds import b",
            "dashboard/feeds/b.py": "from dashboard.feeds.c import x",
            "dashboard/feeds/c.py": "def f():\n    import dashboard.feeds.a",
        }
    )
    assert list(python.cycles(root)) == [
        "dashboard.feeds.a → dashboard.feeds.b → dashboard.feeds.c → dashboard.feeds.a"
    ]


def test_an_import_for_the_type_checker_closes_no_cycle(tree: Callable[[dict[str, str]], Path]) -> None:
    root = tree(
        {
            "dashboard/feeds/a.py": "from dashboard.feeds import b",
            "dashboard/feeds/b.py": "import typing\nif typing.TYPE_CHECKING:\n    from dashboard.feeds import a",
        }
    )
    assert list(python.cycles(root)) == []


def test_names_and_openings_and_test_folders_are_judged(tree: Callable[[dict[str, str]], Path]) -> None:
    root = tree(
        {
            "dashboard/live/utils.py": '"""Holds things."""',
            "dashboard/live/hub.py": "import asyncio",
            "dashboard/live/wire.py": '"""frames"""',
            "dashboard/migrations/0001_initial.py": "x = 1",
            "tests/unit/live/test_hub.py": "",
            "tests/unit/lives/test_hub.py": "",
            "tests/unit/feeds/kinds/test_host.py": "",
            "tests/unit/live/planted/broken.py": "",
        }
    )
    assert list(python.names(root)) == ["dashboard.live.utils has a name that could hold anything"]
    assert [fault.split()[0] for fault in python.openings(root)] == ["dashboard.live.hub", "dashboard.live.wire"]
    assert [fault.split()[0] for fault in python.strangers_among_tests(root)] == [
        "tests/unit/feeds/kinds",
        "tests/unit/lives",
    ]


JS_FAULTS = {
    "live imports a panel": ("live/socket.js", 'import { a } from "../panels/stat.js";'),
    "a panel imports live": ("panels/stat.js", "import * as store\n  from '../live/store.js'"),
    "a page imports a chart": ("pages/board.js", 'import "../charts/line.js";'),
    "it is imported late": ("panels/stat.js", 'const a = await import("../live/store.js");'),
    "it is passed on": ("charts/line.js", 'export { a } from "../panels/stat.js";'),
    "a chart names a type of live": ("charts/line.js", "/** @type {import('../live/store.js').Store} */"),
    "a package outside charts": ("live/socket.js", 'import uPlot from "uplot";'),
    "another site": ("charts/line.js", 'import x from "https://example.org/x.js";'),
    "a path that the import map does not know": ("charts/line.js", 'import x from "/static/js/charts/y.js";'),
    "a name put together": ("pages/board.js", "await import(`../panels/${kind}.js`);"),
    "a file in no room": ("boot.js", ""),
}


@pytest.mark.parametrize(("name", "code"), JS_FAULTS.values(), ids=JS_FAULTS)
def test_a_forbidden_import_of_browser_code_is_seen(
    tree: Callable[[dict[str, str]], Path], name: str, code: str
) -> None:
    assert len(list(browser.against_the_table(tree({f"static/js/{name}": code})))) == 1


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("live/socket.js", "// the document\ndocument.title = 'x';", 2),
        ("live/socket.js", "/* a\n b */ const text = `${window.name}`;", 2),
        ("live/socket.js", "if (a / b > c) window.x = 1; // d / e", 1),
        ("live/socket.js", "const w = globalThis.window;", 1),
        ("live/socket.js", "addEventListener.call(window, 'x');", 1),
        ("live/socket.js", "const sub = ({ window }) => window;\nconst width = window.innerWidth;", 2),
        ("charts/line.js", "const quote = /[\"'`]/;\nawait fetch('/x');", 2),
        ("charts/line.js", "new WebSocket(url)", 1),
    ],
)
def test_a_forbidden_global_is_seen(tree: Callable[[dict[str, str]], Path], name: str, code: str, line: int) -> None:
    faults = list(browser.against_globals(tree({f"static/js/{name}": code})))
    assert [fault.split()[0] for fault in faults] == [f"static/js/{name}:{line}"]


def test_permitted_browser_code_is_left_alone(tree: Callable[[dict[str, str]], Path]) -> None:
    root = tree(
        {
            "static/js/live/socket.js": (
                'import { a } from "./store.js"; // not ../panels/x.js, no import("x") of a document\n'
                'const frame = { t: "sub", window: 300, text: "the document, the window" };\n'
                "this.window = frame.window; store.document.x = `document`;\n"
            ),
            "static/js/live/protocol.js": "const sub = ({ dashboard, window = 0 }, since) => text({ window, since });",
            "static/js/charts/line.js": 'import uPlot from "uplot";\nthis.fetch(); row.fetch = 1;',
            "static/js/panels/stat.js": (
                '/** @import { Store } from "../live/store.js" */\n'
                "/** @param {import('../live/store.js').Store} store */\n"
                'import { line } from "../charts/line.js";\ndocument.title = "x";\n'
            ),
            "static/js/pages/board.js": 'import "../panels/stat.js";\nimport "../live/socket.js";\nexport const a = 1;',
        }
    )
    assert list(browser.against_the_table(root)) == []
    assert list(browser.against_globals(root)) == []
    assert list(browser.names(root)) == []
