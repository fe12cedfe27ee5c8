"""Says in a sentence why a command cannot run, where Django shows how it came to ask."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError


def plainly(error: BaseException) -> str:
    """Returns what is wrong with the settings or the database; empty for an error that is a defect."""
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    said = " ".join(str(error).split())
    if isinstance(error, ProgrammingError) or "no such table" in said or "no such column" in said:
        return f"The database lacks what this version keeps in it ({said}). Bring it up to date: manage.py migrate"
    if isinstance(error, OperationalError | InterfaceError):
        return f"The database cannot be asked: {said}. DATABASE_URL says where it is."
    return ""
