"""Counts the requests of senders, so that one who floods is told to wait. It does no I/O."""

from __future__ import annotations

from collections import OrderedDict


class Allowances:
    """Lets each name pass `rate` times a second, and a burst. Whoever has been quiet long enough is forgotten, so its
    memory is bounded by those who send at the moment."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        # What is left of each name's burst, and when that was so; the one that came longest ago is first.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now: float) -> bool:
        """Tells whether one more may pass. `now` is in seconds of a monotonic clock."""
        quiet = self._burst / self._rate
        while self._left and now - next(iter(self._left.values()))[1] > quiet:
            self._left.popitem(last=False)
        left, at = self._left.pop(name, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        passes = left >= 1
        self._left[name] = (left - passes, now)
        return passes
