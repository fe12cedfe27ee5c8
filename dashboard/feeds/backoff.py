"""Turns failures in a row into waits that grow, with full jitter and a cap."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Says how long to wait before the next try.

    The n-th failure in a row (from 0) waits rand(0, min(cap, base * 2^n)) seconds: full jitter, so that many feeds
    which fail together do not return together. A failure after `healthy` seconds of health or more is a first one.
    `random` returns a float in [0, 1).
    """

    def __init__(self, base: float, cap: float, healthy: float, random: Callable[[], float]) -> None:
        self._base = base
        self._healthy = healthy
        self._random = random
        self._tries = 0
        # The longest wait; may be changed at any time.
        self.cap = cap

    def fail(self, healthy_for: float = 0.0) -> float:
        """Notes a failure after `healthy_for` seconds of health and returns the seconds to wait."""
        if healthy_for >= self._healthy:
            self._tries = 0
        # Bounded exponent: 2.0 ** 1024 overflows, and a source may fail for weeks.
        ceiling = min(self.cap, self._base * 2.0 ** min(self._tries, 32))
        self._tries += 1
        return self._random() * ceiling
