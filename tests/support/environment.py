"""Gives the tests an environment of their own, before Django reads its settings.

Loaded by `-p` in pyproject.toml: pytest-django reads the settings before it loads any conftest.py. Whatever a
developer has in his shell, in `.env` or in `var/` neither changes a test nor is changed by one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from cryptography.fernet import Fernet

from tests.support.services import postgres_server

# Holds the databases that the settings would otherwise keep in var/.
PRIVATE_DIR = Path(tempfile.mkdtemp(prefix="tickwall-"))
atexit.register(shutil.rmtree, PRIVATE_DIR, ignore_errors=True)

# pytest has no options yet. Started here, the settings are read as those of a site on PostgreSQL are.
GROWN = "--grown" in sys.argv
_servers = ExitStack()
atexit.register(_servers.close)
DATABASE_URL = _servers.enter_context(postgres_server()) if GROWN else f"sqlite:///{PRIVATE_DIR / 'db.sqlite3'}"

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
    DATABASE_URL=DATABASE_URL,
    REDIS_URL="",
    # A site on PostgreSQL has none of its own.
    TICKWALL_SECRET_KEYS=Fernet.generate_key().decode() if GROWN else "",
    # For the processes that tests start as well.
    TICKWALL_ENV_FILE="",
)
