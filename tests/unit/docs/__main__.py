"""Writes the conversations of docs/protocol.md anew, from what the code says now."""

from __future__ import annotations

import django

import tests.support.environment  # noqa: F401  # before Django reads its settings


def main() -> None:
    django.setup()
    from tests.unit.docs.conversation import PAGE, renewed

    PAGE.write_text(renewed(PAGE.read_text()))


if __name__ == "__main__":
    main()
