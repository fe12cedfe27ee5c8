from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.feeds import folders
from dashboard.feeds.base import FeedError


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Path]:
    """A folder that is allowed, beside one that is not."""
    for name in ("plant", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text("a\n")
    folders.allow([str(tmp_path / "plant")])
    yield tmp_path / "plant"
    folders.allow([])


def test_files_in_an_allowed_folder_are_opened(plant: Path) -> None:
    (plant / "deep").mkdir()
    (plant / "deep" / "b.csv").write_text("b\n")
    (plant / "link.csv").symlink_to(plant / "a.csv")
    for name in ("a.csv", "deep/b.csv", "link.csv"):
        with folders.opened(str(plant / name)) as file:
            assert len(file.read()) == 2


def test_nothing_else_is_wherever_links_lead(plant: Path) -> None:
    (plant / "out.csv").symlink_to(plant.parent / "secret" / "a.csv")
    (plant / "outside").symlink_to(plant.parent / "secret")
    names = ["../secret/a.csv", "out.csv", "outside/a.csv", "../plant-not/a.csv", "/etc/passwd", "/proc/self/environ"]
    for name in names:
        with pytest.raises(FeedError, match="is in no folder that sources may read"):
            folders.opened(str(plant / name))


def test_without_a_word_of_the_operator_there_is_no_file(plant: Path) -> None:
    folders.allow([])
    with pytest.raises(FeedError, match="TICKWALL_SOURCE_FOLDERS"):
        folders.opened(str(plant / "a.csv"))


def test_what_is_no_file_is_said_and_not_waited_for(plant: Path) -> None:
    os.mkfifo(plant / "pipe")
    for name, words in {
        "pipe": "is not a file",
        "": "is not a file",
        "none": "No such file",
        "a\x00b": "no path",
    }.items():
        with pytest.raises(FeedError, match=words):
            folders.opened(f"{plant}/{name}")
