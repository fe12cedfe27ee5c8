"""Brings the database, the collected files and the demo data up to date before the site starts at ADDRESS.

    python scripts/prepare.py ADDRESS

One process for three commands, because most of the time of each goes into starting Django. All three change nothing
when there is nothing to change.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config.plainly import plainly

    try:
        prepare()
    except Exception as error:
        words = plainly(error)
        if not words:
            raise
        sys.exit(words)
    print(f"Tickwall starts at {sys.argv[1]} and stops with Ctrl-C.")


def prepare() -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.VAR_DIR.mkdir(exist_ok=True)
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("seed_demo")


if __name__ == "__main__":
    main()
