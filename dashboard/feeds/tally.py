"""Holds how many ticks were refused, by reason, with an example of each."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.feeds.words import count, one_line

# Reasons kept apart, and told in one message, at most.
REASONS = 16
_TOLD = 3


class Tally:
    """Counts refused ticks; `str` of it is the message: 12 ticks refused: not a finite number (AAPL)."""

    def __init__(self) -> None:
        self._reasons: dict[str, tuple[int, str]] = {}

    def __bool__(self) -> bool:
        return bool(self._reasons)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((reason, number) for reason, (number, _) in self._reasons.items())

    def __str__(self) -> str:
        worst = sorted(self._reasons.items(), key=lambda item: -item[1][0])
        told = [
            f"{count(number, 'tick')} refused: {reason}" + (f" ({example})" if example else "")
            for reason, (number, example) in worst[:_TOLD]
        ]
        return "; ".join(told)

    @property
    def total(self) -> int:
        return sum(number for number, _ in self._reasons.values())

    def add(self, reason: str, number: int, example: str = "") -> None:
        """Counts `number` ticks refused for a reason; the latest example is kept."""
        if reason not in self._reasons and len(self._reasons) >= REASONS:
            reason = "other reasons"
        before, earlier = self._reasons.get(reason, (0, ""))
        self._reasons[reason] = (before + number, one_line(example) or earlier)

    def explain(self, reason: str, example: str) -> None:
        """Replaces the example of a reason, where it was counted."""
        if reason in self._reasons:
            self._reasons[reason] = (self._reasons[reason][0], one_line(example))

    def merge(self, other: Tally) -> None:
        for reason, (number, example) in other._reasons.items():
            self.add(reason, number, example)

    def clear(self) -> None:
        self._reasons.clear()
