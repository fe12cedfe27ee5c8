"""Turns a period into moments that do not drift."""

from __future__ import annotations


class Schedule:
    """Step n is due at start + n x period, however long the work of a step takes. Times are in seconds.

    Steps that are overdue by no more than `patience` are made up for; after a longer stall they are skipped, so that
    no burst follows.
    """

    def __init__(self, start: float, period: float, patience: float) -> None:
        self._due = start + period
        self._period = period
        self._patience = max(patience, period)

    def wait(self, now: float) -> float:
        """Returns how long it is to the next step, 0 when it is due."""
        return max(0.0, self._due - now)

    def take(self, now: float) -> tuple[int, float]:
        """Returns how many steps are due and are now to be made, and when the first of them was due."""
        behind = now - self._due
        if behind < 0:
            return 0, self._due
        if behind > self._patience:
            self._due += behind // self._period * self._period
        first = self._due
        steps = int((now - first) // self._period) + 1
        self._due = first + steps * self._period
        return steps, first
