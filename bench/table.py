"""Prints rows as Markdown, so that what a run prints can be read in a file."""

from __future__ import annotations


class Table:
    """A table whose rows appear as they come."""

    def __init__(self, title: str, head: tuple[str, ...]) -> None:
        print(f"\n{title}\n")
        self.row(*head)
        self.row(*("---" for _ in head))

    def row(self, *cells: str) -> None:
        print(f"| {' | '.join(cells)} |", flush=True)
