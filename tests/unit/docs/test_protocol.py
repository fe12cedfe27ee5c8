"""Tests that docs/protocol.md describes the wire that there is, and quotes what really comes out of it."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from dashboard.live.advance import QUIET_TICKS, SNAPSHOT_ROWS, Verdict
from dashboard.live.session import HEARTBEAT_FRAMES
from dashboard.protocol import requests
from dashboard.protocol.close_codes import FAREWELLS, CloseCode
from dashboard.protocol.messages import StateName
from tests.unit.docs.conversation import SCENES, play, quoted
from tests.unit.docs.pages import ROOT, flat, read, section, spans, table

PAGE = read("protocol.md")
SERVER = "\n".join(
    path.read_text() for room in ("protocol", "live") for path in sorted((ROOT / "dashboard" / room).glob("*.py"))
)


def words(section_name: str, *head: str) -> set[str]:
    return {cells[0].strip("`") for cells in table(section(PAGE, section_name), *head)}


def test_every_message_of_the_viewer_is_described() -> None:
    assert words("What the viewer sends", "message") == requests._READERS.keys()


def test_every_message_of_the_server_is_described() -> None:
    assert words("What the server sends", "message") == set(re.findall(r'"t":\s*"(\w+)"', SERVER))


def test_which_messages_take_credit() -> None:
    credited = {cells[0].strip("`") for cells in table(PAGE, "message", "says") if cells[2] == "yes"}
    assert credited == {"snap", "d", "hb"}


def test_every_close_code_is_described_with_its_retry() -> None:
    described = {int(cells[0]): cells[2] for cells in table(PAGE, "code", "meaning", "`retry`")}
    expected = {}
    for code in CloseCode:
        _, retry = FAREWELLS[code]
        expected[int(code)] = f"{retry[0]} to {retry[1]}" if retry else "null"
        assert (retry is None) == (code >= 4500)
    assert described == expected


def test_every_word_is_described() -> None:
    assert words("Subscribing", "`why`") == {"null", *get_args(Verdict)}
    written = set(re.findall(r'Loss\(.+?, "(\w+)"', (ROOT / "dashboard/ingest/pipeline.py").read_text()))
    assert words("Gaps", "`why`") == {*get_args(Verdict), "slow", *written} - {"first"}
    assert all(f"`{why}`" in section(PAGE, "Gaps").partition("|")[0] for why in written)
    assert words("States and events", "`state`") == set(get_args(StateName))
    assert words("Mistakes", "`code`") == {"bad", *re.findall(r'\.refuse\([^,]+, "(\w+)"', SERVER)}


def test_every_column_of_rows_is_described() -> None:
    columns = {name for cells in table(section(PAGE, "Rows"), "column") for name in spans(cells[0])}
    assert columns == set(re.findall(r'"(\w+)": ', _source("def columns", "def data_part"))) - {"rows"}


def _source(begin: str, end: str) -> str:
    text = (ROOT / "dashboard/protocol/frames.py").read_text()
    return text[text.index(begin) : text.index(end)].replace('wire["q"] =', '"q": ')


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"{QUIET_TICKS:,} seqs" in flat(PAGE)
    assert f"{SNAPSHOT_ROWS:,} rows" in flat(PAGE)
    assert HEARTBEAT_FRAMES == 4
    assert "Four frames" in PAGE


def test_every_scene_is_quoted_and_no_other() -> None:
    assert quoted(PAGE).keys() == SCENES.keys()


@pytest.mark.parametrize("name", SCENES)
def test_the_code_says_what_the_page_quotes(name: str) -> None:
    """If the wire was changed on purpose: `python -m tests.unit.docs` writes the page anew."""
    assert quoted(PAGE)[name].splitlines() == play(name).splitlines()
