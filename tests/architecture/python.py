"""Reads the imports of `dashboard` from its source and judges them. Nothing is imported for that."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Which rooms and doors a room or door may import from. "*" is everything; a name with a dot is that one module.
TABLE: Mapping[str, tuple[str, ...]] = {
    "timeseries": (),
    "protocol": ("timeseries",),
    "models": ("timeseries",),
    "feeds": ("timeseries",),
    "ticklog": ("timeseries", "protocol"),
    "history": ("models", "timeseries"),
    "alerts": ("models", "timeseries"),
    "ingest": ("feeds", "ticklog", "history", "alerts", "protocol", "models", "timeseries"),
    # Rows are reached through live.access alone; `offload` knows none, it only moves work to a thread.
    "live": ("ticklog", "history", "protocol", "timeseries", "models.offload"),
    "consumers": ("live", "protocol", "models"),
    "routing": ("consumers", "live", "protocol", "models"),
    "pages": ("models", "history", "ticklog", "timeseries", "protocol"),
    "views": ("pages", "models", "history", "ticklog", "timeseries", "protocol"),
    # What is pushed is judged where it comes in, by the same rules as in the worker; the feeds themselves are not run.
    "api": ("models", "history", "ticklog", "timeseries", "protocol", "feeds.pushed", "feeds.base", "feeds.limits"),
    "admin": ("models", "feeds.registry", "feeds.completion", "feeds.trial", "protocol"),
    "checks": ("models", "feeds.registry", "protocol"),
    "signals": ("models", "feeds.registry", "protocol"),
    # What a project's own code calls: its models become queries that feeds ask by name.
    "publish": ("models", "feeds.queries", "feeds.base", "feeds.payload", "protocol"),
    "templatetags": ("models", "timeseries", "protocol"),
    "urls": ("views", "api"),
    "apps": ("checks", "signals", "feeds.registry", "feeds.reach", "feeds.folders"),
    "migrations": ("models",),
    "management": ("*",),
}
# Single modules that may do more than their room.
ALSO: Mapping[str, tuple[str, ...]] = {"live.access": ("models",)}

# What knows neither the clock nor the world, so that it can be tested without either.
PURE = ("timeseries", "protocol", "alerts.rules", "live.session", "feeds.backoff", "feeds.health")
WORLD = ("asyncio", "channels", "django", "http", "psycopg", "redis", "socket", "subprocess", "threading", "time")
# Feeds run anywhere: no ORM, no Channels.
NOT_IN_FEEDS = ("channels", "django.contrib", "django.db")

# Arrows left out of the search for cycles, each with its reason.
BACKWARDS: Mapping[tuple[str, str], str] = {
    ("dashboard.models.rights", "dashboard.models.board"): "the rights filter the rows whose query set asks for rights",
}

NO_NAME = re.compile(r"(utils?|helpers?|common|core|managers?|misc|services?|data|handle_.*)")


@dataclass(frozen=True, slots=True)
class Arrow:
    """One import: from a module to a module (or, outside `dashboard`, to a dotted name)."""

    source: str
    target: str
    line: int
    typing_only: bool = False

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def modules(root: Path, package: str = "dashboard") -> dict[str, Path]:
    """Maps the dotted names of a package's modules to their files."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


class _Imports(ast.NodeVisitor):
    """Collects imports wherever they stand: in functions, in branches, for the type checker only, or by name."""

    def __init__(self, name: str, package: str, known: Mapping[str, Path]) -> None:
        self.name, self.package, self.known = name, package, known
        self.typing_only = False
        self.arrows: list[Arrow] = []

    def add(self, target: str, node: ast.AST) -> None:
        self.arrows.append(Arrow(self.name, target, getattr(node, "lineno", 0), self.typing_only))

    def visit_If(self, node: ast.If) -> None:
        outside = self.typing_only
        test = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
        self.typing_only = outside or test == "TYPE_CHECKING"
        for child in node.body:
            self.visit(child)
        self.typing_only = outside
        for child in node.orelse:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            above = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
            base = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            whole = f"{base}.{alias.name}"
            self.add(whole if whole in self.known else base, node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("import_module", "__import__") and node.args:
            first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                self.add(first.value.rstrip("."), node)
        self.generic_visit(node)


def arrows(root: Path, package: str = "dashboard") -> list[Arrow]:
    """Returns every import in a package."""
    known = modules(root, package)
    found = []
    for name, path in known.items():
        parent = name if path.name == "__init__.py" else name.rpartition(".")[0]
        visitor = _Imports(name, parent, known)
        visitor.visit(ast.parse(path.read_text(), str(path)))
        found += visitor.arrows
    return found


def inside(name: str) -> str:
    """Returns the name below `dashboard`: "live.hub" for dashboard.live.hub."""
    return name.partition(".")[2]


def within(name: str, group: str) -> bool:
    return name == group or name.startswith(group + ".")


def against_the_table(root: Path) -> Iterator[str]:
    """Yields a line for every import that the table does not allow, and for every room that it does not know."""
    rooms = {inside(name).split(".")[0] for name in modules(root)} - {""}
    yield from (f"dashboard.{room} is neither a room nor a door of the table" for room in sorted(rooms - set(TABLE)))
    for arrow in arrows(root):
        source, target = inside(arrow.source), inside(arrow.target)
        room = source.split(".")[0]
        if not within(arrow.target, "dashboard") or not target or room not in {"", *TABLE}:
            continue
        allowed = (*TABLE.get(room, ()), *ALSO.get(source, ()), room)
        if "*" not in allowed and not any(within(target, group) for group in allowed):
            yield f"{arrow}: {room or 'the package itself'} may not"


def against_purity(root: Path) -> Iterator[str]:
    """Yields a line for every pure module that reaches for the clock or the world, and every feed for the database."""
    for arrow in arrows(root):
        source = inside(arrow.source)
        forbidden = WORLD if any(within(source, pure) for pure in PURE) else ()
        forbidden += NOT_IN_FEEDS if within(source, "feeds") else ()
        if not arrow.typing_only and any(within(arrow.target, name) for name in forbidden):
            yield f"{arrow}: it must do without"


def cycles(root: Path, backwards: Mapping[tuple[str, str], str] = BACKWARDS) -> Iterator[str]:
    """Yields each cycle among modules; imports for the type checker only are none, those in functions are."""
    graph: dict[str, set[str]] = {name: set() for name in modules(root)}
    for arrow in arrows(root):
        if arrow.target in graph and not arrow.typing_only and (arrow.source, arrow.target) not in backwards:
            graph[arrow.source].add(arrow.target)
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> Iterator[str]:
        if name in path:
            yield " → ".join([*path[path.index(name) :], name])
        elif name not in done:
            for target in sorted(graph[name]):
                yield from walk(target, [*path, name])
            done.add(name)

    for name in sorted(graph):
        yield from walk(name, [])


def names(root: Path) -> Iterator[str]:
    """Yields the modules whose names say nothing."""
    for name in modules(root):
        if NO_NAME.fullmatch(name.rpartition(".")[2]):
            yield f"{name} has a name that could hold anything"


def openings(root: Path, packages: tuple[str, ...] = ("dashboard", "config", "scripts", "bench")) -> Iterator[str]:
    """Yields the modules that do not open with a sentence. Empty files and migrations need none."""
    for package in packages:
        for name, path in modules(root, package).items():
            text = path.read_text()
            if not text.strip() or ".migrations." in name:
                continue
            first = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0]
            if not re.match(r"[A-Z`].*[.]$", first, re.S):
                yield f"{name} does not open with a sentence that says what it is for"


def strangers_among_tests(root: Path) -> Iterator[str]:
    """Yields the folders of tests in tests/unit to which nothing in `dashboard` or `config` corresponds."""
    places = {inside(name) for name in modules(root)} | {"config", "docs"}
    # `commands` is short for the only thing that `management` holds.
    places |= {place.partition("management.")[2] for place in places if place.startswith("management.")}
    for folder in sorted((root / "tests" / "unit").rglob("*/")):
        name = ".".join(folder.relative_to(root / "tests" / "unit").parts)
        if any(folder.glob("test_*.py")) and name not in places:
            yield f"tests/unit/{name.replace('.', '/')} mirrors nothing in dashboard/"
