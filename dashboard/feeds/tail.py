"""Follows a file that grows: gives its whole lines, through rotation and truncation."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import BinaryIO, TypeVar

from dashboard.feeds.base import FeedError

# Read at once at most; what there is more comes with the next reading.
READ_BYTES = 262_144
LINE_BYTES = 65_536

# Device and number of a file, and how far it was read.
Place = tuple[int, int, int]
Result = TypeVar("Result")


@dataclass(slots=True)
class Lines:
    """What a reading gave.

    `anew` says that these lines begin a file, `more` that there is more to read at once. `lost` names what could not be
    taken as a line.
    """

    lines: list[str] = field(default_factory=list)
    anew: bool = False
    lost: list[str] = field(default_factory=list)
    more: bool = False


class Tail:
    """Reads one file. `read` and `skip` may block for the disk, so they are called in a thread; `close` never waits.

    A file that was rotated away is read to its end before the new one is begun. A file that is now shorter than what
    was read of it was truncated and is begun again; one that grew beyond that before anybody looked cannot be told
    from one that only grew. `place` is where another Tail stopped: if that file is still there, this one goes on.
    """

    def __init__(self, name: str, opened: Callable[[str], BinaryIO], place: Place | None = None) -> None:
        self._name = name
        self._open = opened
        self._place = place
        self._file: BinaryIO | None = None
        self._rest = b""
        # The line that is being read is too long, and is passed over up to its end.
        self._passing = False
        self._over = False
        self._reading = Lock()

    @property
    def place(self) -> Place | None:
        """Where the first line begins that has not been given."""
        if self._file is None:
            return self._place
        status = os.fstat(self._file.fileno())
        return status.st_dev, status.st_ino, self._file.tell() - len(self._rest)

    def close(self) -> None:
        """Closes the file, or has the thread that is reading close it afterwards."""
        self._over = True
        if self._reading.acquire(blocking=False):
            self._shut()
            self._reading.release()

    def read(self) -> Lines:
        """Returns the lines that were finished since the last reading."""
        return self._alone(self._read)

    def skip(self) -> None:
        """Passes over all lines that are there; one that is being written is given when it is whole."""
        self._alone(self._skip)

    def _alone(self, work: Callable[[], Result]) -> Result:
        try:
            with self._reading:
                return work()
        finally:
            if self._over:
                self.close()

    def _shut(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> Lines:
        found = Lines()
        if self._file is None:
            self._begin(found)
        assert self._file is not None
        arrived = self._file.read(READ_BYTES)
        if arrived:
            found.more = len(arrived) == READ_BYTES
            self._cut(arrived, found)
        elif self._is_another():
            self._drop_rest(found, "a line without an end before the file was rotated")
            self._shut()
            found.more = True
        elif os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._drop_rest(found, "a line without an end before the file was truncated")
            self._file.seek(0)
            found.anew = found.more = True
        return found

    def _skip(self) -> None:
        if self._file is None:
            self._begin(Lines())
        assert self._file is not None
        size = os.fstat(self._file.fileno()).st_size
        self._file.seek(max(0, size - LINE_BYTES))
        end = self._file.read(LINE_BYTES)
        self._rest = end[end.rfind(b"\n") + 1 :]
        self._passing = len(self._rest) == LINE_BYTES

    def _begin(self, found: Lines) -> None:
        self._file = self._open(self._name)
        found.anew = True
        if self._place is not None:
            status, (device, number, position) = os.fstat(self._file.fileno()), self._place
            if (status.st_dev, status.st_ino) == (device, number) and status.st_size >= position:
                self._file.seek(position)
                found.anew = False

    def _is_another(self) -> bool:
        """Tells whether the name belongs to another file now; a name without a file may get one in a moment."""
        assert self._file is not None
        with suppress(FileNotFoundError):
            there, here = os.stat(self._name), os.fstat(self._file.fileno())
            return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)
        if os.fstat(self._file.fileno()).st_nlink == 0:
            raise FeedError(f"“{self._name[:100]}” is gone")
        return False

    def _cut(self, arrived: bytes, found: Lines) -> None:
        *lines, rest = (self._rest + arrived).split(b"\n")
        if self._passing and lines:
            del lines[0]
            self._passing = False
        if self._passing or len(rest) > LINE_BYTES:
            if not self._passing:
                found.lost.append("a line longer than 64 KiB")
            self._passing, rest = True, b""
        self._rest = rest
        for line in lines:
            if len(line) > LINE_BYTES:
                found.lost.append("a line longer than 64 KiB")
            else:
                found.lines.append(line.decode("utf-8", "replace").rstrip("\r"))

    def _drop_rest(self, found: Lines, why: str) -> None:
        if self._rest:
            found.lost.append(why)
        self._rest, self._passing = b"", False
