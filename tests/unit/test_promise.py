"""Tests that a test whose promise was broken is not run again, whatever the error lies in."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.promise import BrokenPromise, broken_promise, promised
from tests.support.site import ROOT

# A test each, and how often it is run: a missed moment three times, a broken promise once.
SOURCE = """
import asyncio
import pytest
from tests.support.promise import AGAIN, promised

pytestmark = AGAIN

def test_missed():
    assert not "a moment"

def test_broken():
    with promised():
        assert not "a promise"

def test_group():
    async def task():
        with promised():
            assert not "a promise in a group"
    async def run():
        async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as group:
            group.create_task(task())
    asyncio.run(run())

def test_hidden():
    try:
        with promised():
            assert not "a hidden promise"
    finally:
        raise OSError("on the way out")

@pytest.fixture
def late():
    yield
    assert not "a moment at the end"

def test_both(late):
    test_group()
"""
RUNS = {"test_missed": 3, "test_broken": 1, "test_group": 1, "test_hidden": 1, "test_both": 1}


def broken() -> BrokenPromise:
    with pytest.raises(BrokenPromise) as caught, promised():
        raise AssertionError("1 hole")
    return caught.value


def test_a_broken_promise_is_found_in_groups_and_behind_other_errors() -> None:
    promise = broken()
    after = OSError("on the way out")
    after.__context__ = ExceptionGroup("tasks", [ValueError("one"), ExceptionGroup("more", [promise])])
    assert broken_promise(promise) is promise
    assert broken_promise(after) is promise
    after.__context__.__context__ = after
    after.__context__ = OSError("in a circle")
    after.__context__.__context__ = after
    assert broken_promise(after) is None
    assert broken_promise(ExceptionGroup("tasks", [AssertionError("a missed moment")])) is None
    assert broken_promise(None) is None


def test_only_a_missed_moment_is_tried_again(tmp_path: Path) -> None:
    """Fails without the hook in tests/support/promise.py: the last three are then run three times as well."""
    path = tmp_path / "test_them.py"
    path.write_text(SOURCE)
    command = [sys.executable, "-m", "pytest", "-v", "-rN", "-p", "no:cacheprovider", "-c", "pyproject.toml", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    runs = re.findall(r"::(\w+) (?:RERUN|FAILED)", done.stdout)
    assert {name: runs.count(name) for name in RUNS} == RUNS, done.stdout[-4000:] + done.stderr
    assert re.search("^E +tests.support.promise.BrokenPromise: assert not 'a promise in a group'", done.stdout, re.M)
