"""Decides which files a source may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from dashboard.feeds.base import FeedError

_allowed: tuple[Path, ...] = ()


def allow(folders: Iterable[str]) -> None:
    """Sets the folders whose files sources may read. Each call replaces the last."""
    global _allowed
    _allowed = tuple(Path(folder).resolve() for folder in folders)


def opened(name: str) -> BinaryIO:
    """Opens a file in an allowed folder, wherever links lead, or raises FeedError. It may block for the disk."""
    try:
        # Judged by where it really is, and opened there: a link that is turned meanwhile leads nowhere else.
        path = Path(name).resolve()
        if not any(path.is_relative_to(folder) for folder in _allowed):
            raise FeedError(
                f"“{name[:100]}” is in no folder that sources may read. Whoever runs this site can name its folder in "
                "TICKWALL_SOURCE_FOLDERS"
            )
        # Not to be kept waiting by a pipe, and not to follow a link that was put there since.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError, RuntimeError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "its name is no path"
        raise FeedError(f"“{name[:100]}” cannot be read: {why}") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise FeedError(f"“{name[:100]}” is not a file")
    return os.fdopen(number, "rb", buffering=0)
