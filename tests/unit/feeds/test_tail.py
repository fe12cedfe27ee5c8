from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from dashboard.feeds import tail as tail_module
from dashboard.feeds.base import FeedError
from dashboard.feeds.tail import LINE_BYTES, Place, Tail


def plainly(name: str) -> BinaryIO:
    return open(name, "rb", buffering=0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("one\ntwo\n")
    return path


@pytest.fixture
def follow(log: Path) -> Callable[..., Tail]:
    made: list[Tail] = []

    def follow(place: Place | None = None) -> Tail:
        made.append(Tail(str(log), plainly, place))
        return made[-1]

    yield follow  # type: ignore[misc]
    for each in made:
        each.close()


def all_of(tail: Tail) -> tuple[list[str], list[str]]:
    """Returns the lines and what was lost, up to where nothing more is to be read at once."""
    lines, lost, more = [], [], True
    while more:
        found = tail.read()
        lines += found.lines
        lost += found.lost
        more = found.more
    return lines, lost


def write(path: Path, text: str) -> None:
    with path.open("a", newline="") as file:
        file.write(text)


def test_lines_are_given_when_they_are_whole(log: Path, follow: Callable[..., Tail]) -> None:
    tail = follow()
    assert tail.read().anew
    write(log, "thr")
    assert all_of(tail) == ([], [])
    write(log, "ee\r\nfour\n")
    assert all_of(tail) == (["three", "four"], [])


def test_what_is_there_can_be_passed_over_but_not_a_line_that_is_being_written(
    log: Path, follow: Callable[..., Tail]
) -> None:
    write(log, "thr")
    tail = follow()
    tail.skip()
    write(log, "ee\n")
    assert all_of(tail) == (["three"], [])


def test_a_rotated_file_is_read_to_its_end_and_then_the_new_one(log: Path, follow: Callable[..., Tail]) -> None:
    tail = follow()
    tail.read()
    write(log, "three\nunfinished")
    log.rename(log.with_suffix(".1"))
    assert all_of(tail) == (["three"], [])
    log.write_text("new\n")
    assert all_of(tail) == (["new"], ["a line without an end before the file was rotated"])


def test_a_file_that_is_gone_is_an_error(log: Path, follow: Callable[..., Tail]) -> None:
    tail = follow()
    tail.read()
    log.unlink()
    with pytest.raises(FeedError, match="is gone"):
        tail.read()


def test_a_truncated_file_is_begun_again(log: Path, follow: Callable[..., Tail]) -> None:
    tail = follow()
    tail.read()
    write(log, "unfinished")
    tail.read()
    log.write_text("new\n")
    assert all_of(tail) == (["new"], ["a line without an end before the file was truncated"])


def test_a_line_that_never_ends_is_passed_over(log: Path, follow: Callable[..., Tail]) -> None:
    tail = follow()
    tail.read()
    write(log, "x" * (3 * LINE_BYTES))
    assert all_of(tail) == ([], ["a line longer than 64 KiB"])
    write(log, "x" * (5 * LINE_BYTES) + "\ngood\n")
    assert all_of(tail) == (["good"], [])
    write(log, "y" * (LINE_BYTES + 1) + "\ngood\n")
    assert all_of(tail) == (["good"], ["a line longer than 64 KiB"])


def test_it_goes_on_where_another_stopped(log: Path, follow: Callable[..., Tail]) -> None:
    first = follow()
    first.read()
    write(log, "three\nfo")
    first.read()
    place = first.place
    write(log, "ur\n")
    assert all_of(follow(place)) == (["four"], [])
    log.rename(log.with_suffix(".1"))
    log.write_text("new\n")
    second = follow(place)
    found = second.read()
    assert (found.lines, found.anew) == (["new"], True)


def test_a_large_file_is_read_in_pieces(
    log: Path, follow: Callable[..., Tail], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "READ_BYTES", 10)
    write(log, "".join(f"line {number}\n" for number in range(100)))
    tail = follow()
    assert tail.read().more
    assert all_of(tail)[0][-1] == "line 99"


def test_a_tail_that_is_closed_while_it_reads_leaves_no_file_open(log: Path) -> None:
    def closing(name: str) -> BinaryIO:
        tail.close()  # as another thread may do
        return plainly(name)

    tail = Tail(str(log), closing)
    before = len(os.listdir("/proc/self/fd"))
    tail.read()
    assert len(os.listdir("/proc/self/fd")) == before
