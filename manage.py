#!/usr/bin/env python
"""Runs the project's commands."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config.plainly import plainly

    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        words = plainly(error)
        if not words or "--traceback" in sys.argv:
            raise
        sys.exit(words)


if __name__ == "__main__":
    main()
