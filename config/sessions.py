"""Keeps sessions in the database, and looks there for nothing that cannot be the key of one."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    def _validate_session_key(self, key: str) -> bool:
        """Tells whether that may be a key. A cookie holds whatever somebody writes into it, and PostgreSQL takes no NUL
        in a query."""
        return bool(key) and len(key) >= 8 and key.isascii() and key.isalnum()
