"""Tells a broken promise from a missed moment.

Tests of real processes wait for things to happen, and some hold them to a figure; on a busy machine a moment is missed
now and then, so such a test is run again (`pytest_collection_modifyitems` in tests/conftest.py). What must never happen
is not a matter of speed: a tick that nobody can account for, a secret that is found, data for somebody who may not see
it. What is asserted as promised fails at once, however often it would have held. Waits and time limits stay outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class BrokenPromise(AssertionError):
    """Something was seen that must never happen, however busy the machine is."""


# For tests of real processes: twice more at most.
AGAIN = pytest.mark.flaky(reruns=2, rerun_except=[BrokenPromise])


@contextmanager
def promised() -> Iterator[None]:
    """Says of the assertions inside that they are the promise: books that add up, secrets kept, rights that hold."""
    try:
        yield
    except AssertionError as error:
        raise BrokenPromise(str(error)) from error


def broken_promise(error: BaseException | None) -> BrokenPromise | None:
    """Returns the broken promise in an error: it itself, one of a group's, or what it came from or came after."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        if isinstance(one, BrokenPromise):
            return one
        seen.add(id(one))
        waiting += [one.__context__, one.__cause__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[Any]) -> Iterator[None]:
    """Has a test fail by its broken promise, wherever that lies.

    `rerun_except` looks at the error and its causes only, but a task group wraps what its tasks raise, and an error on
    the way out hides the one before it.
    """
    error = call.excinfo.value if call.excinfo is not None else None
    promise = broken_promise(error)
    if promise is not None and promise is not error:
        promise.add_note(f"reached the test as {error!r}")
        call.excinfo = pytest.ExceptionInfo.from_exception(promise)
    return (yield)
