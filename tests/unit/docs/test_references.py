"""Tests that files, commands and headings to which a page refers are there, and that decisions have their form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.unit.docs.pages import DOCS, PAGES, ROOT, anchors, blocks, flat, prose, read, spans

EXTENSIONS = (".py", ".md", ".js", ".mjs", ".json", ".html", ".css", ".sh", ".toml", ".txt")
# Made by an installation, so not in a clone; and the file of the example in docs/sources.md.
NOT_IN_A_CLONE = ("var/", ".env", ".venv", "node_modules", "number_file")
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()} - {".git", "var", "node_modules", ".venv"}
ids = {"ids": lambda path: str(path.relative_to(ROOT))}


def paths_in(text: str) -> set[str]:
    """Returns the code spans of a page that are meant as paths of the project."""
    found = set()
    for span in spans(text):
        path = span.partition(":")[0]
        plain = re.fullmatch(r"[\w.][\w./-]*", path) and not any(part in path for part in NOT_IN_A_CLONE)
        if plain and "/" in path and (path.endswith(EXTENSIONS) or path.partition("/")[0] in FOLDERS):
            found.add(path)
    return found


@pytest.mark.parametrize("page", PAGES, **ids)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    homes = (ROOT, ROOT / "dashboard", ROOT / "static" / "js", ROOT / "docs")
    missing = [path for path in paths_in(page.read_text()) if not any((home / path).exists() for home in homes)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, **ids)
def test_the_commands_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text()
    shown = "\n;\n".join([*spans(text), *blocks(text)])
    assert set(re.findall(r"manage\.py\s+([a-z_]+)", shown)) <= get_commands().keys()
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    assert set(re.findall(r"^\s*make ([a-z][a-z-]*)", shown, flags=re.M)) <= verbs


@pytest.mark.parametrize("page", PAGES, **ids)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, heading = target.partition("#")
        other = page.parent / file if file else page
        assert other.exists(), target
        assert not heading or heading in anchors(other.read_text()), target


@pytest.mark.parametrize("page", PAGES, **ids)
def test_no_page_names_a_folder_of_somebodys_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w/])/(work|home|root|tmp|Users)/", page.read_text())


DECISIONS = sorted((DOCS / "decisions").glob("*.md"))


def test_decisions_are_numbered_without_a_hole() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_one_page_of_context_decision_and_consequences(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.name[:4]}: ")
    assert re.findall(r"^## (.+)$", text, flags=re.M) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 60


def defined() -> list[str]:
    """Returns the words that the glossary defines, in its order."""
    return re.findall(r"\*\*([^*]+)\*\*(?=:| is\b|,)", read("glossary.md"))


def test_a_word_is_defined_once() -> None:
    words = defined()
    assert len(words) > 25
    assert len(words) == len(set(words))


def test_the_words_of_the_glossary_are_used() -> None:
    rest = flat(" ".join(path.read_text() for path in PAGES if path.name != "glossary.md")).lower()
    assert [word for word in defined() if word.lower() not in rest] == []
