"""Counts what this process has refused at the live socket since it began, and whom it sent away."""

from __future__ import annotations

from collections import Counter

# Messages that were answered with `err`, by its code; "bad" is what could not be understood.
errors: Counter[str] = Counter()
# Viewers who were told `bye`, by close code.
farewells: Counter[int] = Counter()
# Sockets that got 403 instead: of a foreign "origin", or passed on to "another" process by one that stops. Those that
# are one too many are counted in clients.py.
handshakes: Counter[str] = Counter()
