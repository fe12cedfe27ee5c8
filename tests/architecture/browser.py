"""Reads the imports and globals of the browser code from its source and judges them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.python import NO_NAME

TABLE: Mapping[str, tuple[str, ...]] = {"live": (), "charts": (), "panels": ("charts",), "pages": ("panels", "live")}
# Whose types a room may name in its comments besides.
TYPES: Mapping[str, tuple[str, ...]] = {"panels": ("live",)}
# Packages are for drawing; everything else is our own.
PACKAGES = ("charts",)
GLOBALS: Mapping[str, tuple[str, ...]] = {
    "live": ("document", "window"),
    "charts": ("fetch", "WebSocket", "EventSource", "XMLHttpRequest", "sendBeacon"),
}

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<template>`(?:\\.|[^`\\])*`)
    |(?:(?<=[(,=:\[!&|?{};>])|(?<=\breturn))\s*(?P<regex>/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*)""",
    re.S | re.X,
)
IMPORTS = (
    re.compile(r"""\bimport\s*\(?\s*(["'])(?P<target>[^"']+)\1"""),
    re.compile(r"""\b(?:import|export)\b[^;"'`()=]*?\bfrom\s*(["'])(?P<target>[^"']+)\1"""),
)
TYPE_IMPORTS = (
    re.compile(r"""\bimport\(\s*(["'])(?P<target>[^"']+)\1\s*\)"""),
    re.compile(r"""@import\b[^;"'()]*?\bfrom\s*(["'])(?P<target>[^"']+)\1"""),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file taken apart, lines kept: code with its strings, code without, and the comments."""

    code: str
    bare: str
    comments: str


def take_apart(text: str) -> Source:
    """Tells comments, strings and code from each other; what a template computes counts as code."""
    parts: dict[str, list[str]] = {"code": [], "bare": [], "comments": []}

    def put(code: str, bare: str, comments: str, lines: int = 0) -> None:
        for name, piece in (("code", code), ("bare", bare), ("comments", comments)):
            parts[name].append(piece + "\n" * (lines - piece.count("\n")))

    end = 0
    for match in TOKEN.finditer(text):
        between, token = text[end : match.start()], match[0]
        end = match.end()
        lines = token.count("\n")
        put(between, between, "", between.count("\n"))
        if match["comment"]:
            put(" ", " ", token, lines)
        elif match["template"]:
            put(token, "".join(f" {inner} " for inner in re.findall(r"\$\{([^}]*)\}", token)), "", lines)
        else:
            put(token, '""', "", lines)
    put(text[end:], text[end:], "")
    return Source(*("".join(parts[name]) for name in ("code", "bare", "comments")))


def files(root: Path) -> Iterator[Path]:
    yield from sorted(path for path in (root / "static" / "js").rglob("*") if path.suffix in (".js", ".mjs"))


def room_of(root: Path, path: Path) -> str:
    """Returns the folder of static/js in which a file is, "" if in none."""
    folder = root / "static" / "js"
    parts = path.relative_to(folder).parts if path.is_relative_to(folder) else ()
    return parts[0] if len(parts) > 1 else ""


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def against_the_table(root: Path) -> Iterator[str]:
    """Yields a line for every import that the table does not allow, and every file that is in no room."""
    for path in files(root):
        room, where = room_of(root, path), path.relative_to(root)
        if room not in TABLE:
            yield f"{where} is in none of {', '.join(TABLE)}"
            continue
        source = take_apart(path.read_text())
        allowed = (room, *TABLE[room])
        for line, target in named(IMPORTS, source.code):
            if fault := judge(root, path, room, target, allowed):
                yield f"{where}:{line} imports {target}: {fault}"
        for line, target in named(TYPE_IMPORTS, source.comments):
            types = (*allowed, *TYPES.get(room, ()))
            if target.startswith(".") and (fault := judge(root, path, room, target, types)):
                yield f"{where}:{line} names a type of {target}: {fault}"
        for match in re.finditer(r"\bimport\s*\(\s*(?!\"\"|\s)", source.bare):
            yield f"{where}:{line_of(source.bare, match.start())} imports what only the running page knows"


def named(patterns: tuple[re.Pattern[str], ...], text: str) -> Iterator[tuple[int, str]]:
    for pattern in patterns:
        yield from ((line_of(text, match.start()), match["target"]) for match in pattern.finditer(text))


def judge(root: Path, path: Path, room: str, target: str, rooms: tuple[str, ...]) -> str:
    """Returns what is wrong with an import, "" if nothing is."""
    if target.startswith("."):
        to = room_of(root, (path.parent / target).resolve())
        return "" if to in rooms else f"{room} may not import {to or 'from outside static/js'}"
    if re.match(r"/|[a-z]+:", target):
        return "only relative paths and packages are found by the import map"
    return "" if room in PACKAGES else f"{room} does without packages"


def against_globals(root: Path) -> Iterator[str]:
    """Yields a line for every use of a global that a room must do without."""
    for path in files(root):
        bare = take_apart(path.read_text()).bare
        for name in GLOBALS.get(room_of(root, path), ()):
            for position in uses(name, bare):
                yield f"{path.relative_to(root)}:{line_of(bare, position)} touches {name}"


def uses(name: str, bare: str) -> Iterator[int]:
    """Yields where a global is used. A key or property of its name is none.

    Where a function takes a parameter of that name apart (`window` is a field of the wire), the bare name is that
    parameter, and only what asks for a member of it is taken for the global.
    """
    own = re.search(rf"\{{[^{{}}]*(?<![.\w$]){name}\b(?!\s*:)[^{{}}]*\}}\s*[,)=]", bare)
    after = r"\s*(?:\?\.|\.|\[)" if own else r"(?!\s*:)"
    owner = r"\b(?:globalThis|self|window|navigator)\s*\??\.\s*"
    yield from (match.start() for match in re.finditer(rf"(?:{owner}{name}\b|(?<![.\w$#]){name}\b{after})", bare))


def names(root: Path) -> Iterator[str]:
    """Yields the files whose names say nothing."""
    yield from (f"{path.relative_to(root)} could hold anything" for path in files(root) if NO_NAME.fullmatch(path.stem))
