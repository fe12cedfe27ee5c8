"""Tests what a server finds when it loads the application."""

from __future__ import annotations

import subprocess
import sys

from tests.support.site import ROOT

LOOK = """
import gc
import config.asgi
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_what_has_been_loaded_is_not_looked_through_by_every_collection() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], cwd=ROOT, capture_output=True, text=True, check=True)
    frozen, watched = map(int, done.stdout.split())
    assert frozen > 50_000
    assert watched < frozen / 10
