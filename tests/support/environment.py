"""Gives the tests an environment of their own, before Django reads its settings.

Loaded by `-p` in pyproject.toml: pytest-django reads the settings before it loads any conftest.py. Whatever a
developer has in his shell, in `.env` or in `var/` neither changes a test nor is changed by one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Holds the databases that the settings would otherwise keep in var/.
PRIVATE_DIR = Path(tempfile.mkdtemp(prefix="tickwall-"))
atexit.register(shutil.rmtree, PRIVATE_DIR, ignore_errors=True)

for name in [*os.environ]:
    if name.startswith("TICKWALL_") or name in (
        "DEBUG",
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "TIME_ZONE",
        "LOG_LEVEL",
    ):
        del os.environ[name]
os.environ.update(
    DJANGO_SETTINGS_MODULE="config.settings",
    SECRET_KEY="known to everybody, good for tests only",
    DATABASE_URL=f"sqlite:///{PRIVATE_DIR / 'db.sqlite3'}",
    REDIS_URL="",
    # For the processes that tests start as well.
    TICKWALL_ENV_FILE="",
)
