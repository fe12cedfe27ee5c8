"""Keeps what anybody outside can cause from filling the log."""

from __future__ import annotations

import logging


class Outside(logging.Filter):
    """Leaves the traceback out of what a visitor did: it says where Django refuses, and is the same each time."""

    def filter(self, record: logging.LogRecord) -> bool:
        refused = record.name == "django.request" and record.levelno < logging.ERROR
        if refused or record.name.startswith("django.security."):
            record.exc_info = record.exc_text = None
        return True
