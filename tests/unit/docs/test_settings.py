"""Tests that every setting is described, with the default that it has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.unit.docs.pages import PAGES, ROOT, read, spans, table

WORDS = {"off": False, "none": [], "empty": "", "UTC": "UTC", "INFO": "INFO"}


def settings() -> Iterator[tuple[str, ast.expr | None]]:
    """Yields each name that the settings read from the environment, with its default as it is written there."""
    for node in ast.walk(ast.parse((ROOT / "config/settings.py").read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "env"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.args[0].value, next((each.value for each in node.keywords if each.arg == "default"), None)


SETTINGS = dict(settings())
DESCRIBED = {cells[0].strip("`"): cells[1] for cells in table(read("operations.md"), "name", "default")}


def test_every_setting_is_described_and_nothing_else() -> None:
    assert len(SETTINGS) > 25
    assert DESCRIBED.keys() == SETTINGS.keys()


@pytest.mark.parametrize("name", DESCRIBED)
def test_the_default_is_the_one_described(name: str) -> None:
    expression, words = SETTINGS.get(name), DESCRIBED[name]
    if name in ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL") or expression is None:
        return  # worked out, and described in words
    value = eval(compile(ast.Expression(expression), "settings.py", "eval"), {"__builtins__": {}})
    expected = WORDS.get(words, words)
    if isinstance(value, str) and not value:
        assert words in ("empty", "none")
    elif isinstance(value, bool | list | str):
        assert value == expected
    else:
        assert value == float(words)


def test_no_page_names_a_setting_that_there_is_not() -> None:
    for path in PAGES:
        named = {name for span in spans(path.read_text()) for name in re.findall(r"\bTICKWALL_[A-Z_]+[A-Z]\b", span)}
        assert named <= SETTINGS.keys(), path.name
