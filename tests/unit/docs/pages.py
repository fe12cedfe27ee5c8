"""Reads the documentation: its prose, code spans, tables, headings and links."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
# Everything that describes the project as it is. The change log tells what was.
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


def read(name: str) -> str:
    return (DOCS / name).read_text()


def flat(text: str) -> str:
    """Returns a text without its line breaks, to look for words in."""
    return " ".join(text.split())


def prose(text: str) -> str:
    """Returns a page without its fenced blocks and comments."""
    return re.sub(r"```.*?```|<!--.*?-->", "", text, flags=re.S)


def spans(text: str) -> list[str]:
    """Returns what stands between single backticks."""
    return re.findall(r"`([^`]+)`", prose(text))


def blocks(text: str) -> list[str]:
    """Returns the fenced and the indented blocks."""
    fenced = re.findall(r"```\w*\n(.*?)```", text, flags=re.S)
    return [*fenced, *re.findall(r"(?:^(?: {4}\S.*)\n?)+", prose(text), flags=re.M)]


def section(text: str, heading: str) -> str:
    """Returns what stands under a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,6}} |\Z)", text, flags=re.S | re.M)
    assert found, f"there is no heading “{heading}”"
    level = len(found[1])
    rest = text[found.end(1) + len(heading) + 1 :]
    end = re.search(rf"^#{{1,{level}}} ", rest, flags=re.M)
    return rest[: end.start()] if end else rest


def table(text: str, *head: str) -> list[list[str]]:
    """Returns the rows of the tables whose head begins like this, without the heads."""
    found: list[list[str]] = []
    inside = False
    for line in prose(text).splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if tuple(cells[: len(head)]) == head:
            inside = True
        elif inside and not re.fullmatch(r"[|\s:-]+", line):
            found.append(cells)
    assert found, f"there is no table {head}"
    return found


def anchors(text: str) -> set[str]:
    """Returns the names under which the headings of a page can be linked to."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
