"""Tells a broken promise from a missed moment.

Tests of real processes wait for things to happen, and some hold them to a figure; on a busy machine a moment is missed
now and then, so such a test is run again (`pytest_collection_modifyitems` in tests/conftest.py). Books that do not add
up are not a matter of speed: what is asserted as promised fails at once, however often it would have held.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class BrokenPromise(AssertionError):
    """A tick is unexplained, or the books of a viewer are not those of the log."""


@contextmanager
def promised() -> Iterator[None]:
    """Says of the assertions inside that they are the promise: 0 holes, 0 overlaps, 0 reordering, 0 unexplained."""
    try:
        yield
    except AssertionError as error:
        raise BrokenPromise(str(error)) from error
