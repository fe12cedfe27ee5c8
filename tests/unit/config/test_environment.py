from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, OperationalError, ProgrammingError

from config import settings as module
from config.environment import Environment
from config.plainly import plainly

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        ("float", "1e5", 100_000.0),
        ("float", " 2.5 ", 2.5),
        ("int", "-3", -3),
        ("bool", "Yes", True),
        ("bool", "OFF", False),
        ("bool", "", False),
        ("list", "a.example, b.example ,", ["a.example", "b.example"]),
        ("list", "", []),
        ("zone", "Europe/Vienna", "Europe/Vienna"),
        ("level", "debug", "DEBUG"),
    ],
)
def test_a_setting_is_taken_as_it_is_meant(monkeypatch: pytest.MonkeyPatch, read: str, text: str, value: Any) -> None:
    monkeypatch.setenv("TICKWALL_IT", text)
    assert getattr(Environment(), read)("TICKWALL_IT", default="") == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *(("float", text) for text in ("5 s", "1,5", "", "1.5.2")),
        *(("int", text) for text in ("abc", "1.5", "", "1e3")),
        *(("bool", text) for text in ("maybe", "enabled", "2")),
        *(("zone", text) for text in ("Mars/Base", "", "../etc/passwd", "Europe")),
        ("level", "loud"),
    ],
)
def test_a_guess_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, read: str, text: str) -> None:
    monkeypatch.setenv("TICKWALL_IT", text)
    with pytest.raises(ImproperlyConfigured, match="TICKWALL_IT is "):
        getattr(Environment(), read)("TICKWALL_IT", default="")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImproperlyConfigured("DEBUG is 2."), "DEBUG is 2."),
        (OperationalError("no such table: x"), "manage.py migrate"),
        (ProgrammingError('relation "x" does not exist\nLINE 1'), "manage.py migrate"),
        (OperationalError("connection refused"), "The database cannot be asked: connection refused."),
    ],
)
def test_what_is_no_defect_is_told_in_a_line(error: Exception, words: str) -> None:
    assert words in plainly(error)
    assert "\n" not in plainly(error)


def test_a_defect_is_shown_as_it_is() -> None:
    assert plainly(KeyError("x")) == plainly(IntegrityError("x")) == ""


def test_commands_say_in_one_line_what_keeps_them(tmp_path: Path) -> None:
    run = [sys.executable, "manage.py", "source", "list"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, env=_environment(tmp_path), check=False)
    assert done.returncode == 1
    assert "Bring it up to date: manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": f"sqlite:///{folder / 'empty.sqlite3'}"}


@pytest.mark.parametrize("left", [None, ""])
def test_a_key_is_made_once_and_for_nobody_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left: str | None
) -> None:
    monkeypatch.setattr(module, "VAR_DIR", tmp_path / "own")
    (tmp_path / "own").mkdir()
    path = tmp_path / "own" / "secret-key"
    if left is not None:
        path.write_text(left)  # of a start on a disk that was full
    key = module._own_secret_key()
    assert len(key) == 50
    assert module._own_secret_key() == key == path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]


def test_a_key_that_cannot_be_kept_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(module, "VAR_DIR", tmp_path / "file" / "var")
    with pytest.raises(ImproperlyConfigured, match="Set SECRET_KEY"):
        module._own_secret_key()
