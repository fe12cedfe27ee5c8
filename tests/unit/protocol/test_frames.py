"""Tests that every frame of the server has the shape that the golden file promises."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.protocol import frames
from dashboard.protocol.close_codes import CloseCode
from dashboard.protocol.frames import Frame
from dashboard.protocol.messages import SourceState
from dashboard.timeseries.conflate import Rows, conflate
from dashboard.timeseries.tick import Ticks

GOLDEN = {
    case["name"]: case["frame"]
    for case in json.loads((Path(__file__).parents[2] / "golden" / "frames.json").read_text())["server"]
}


def strict(frame: Frame | bytes) -> Any:
    data = frame.data if isinstance(frame, Frame) else frame
    return json.loads(data.decode("utf-8"), parse_constant=lambda name: pytest.fail(f"{name} in a frame"))


def rows_of(wire: dict[str, Any]) -> Rows:
    """Builds the rows that a golden frame holds."""
    times = [wire["t0"] + offset for offset in wire["t"]]
    ticks = Ticks.of(wire["i"], times, wire["v"], wire.get("q"))
    if "k" not in wire:
        return Rows(ticks)
    o, h, low = (np.array([np.nan if x is None else x for x in wire[name]], np.float64) for name in "ohl")
    return Rows(ticks, np.array(wire["k"], np.int64), o, h, low)


def settled(message: dict[str, Any]) -> dict[str, Any]:
    """Writes times as times: which `t0` they are counted from is the server's own choice."""
    for holder in (message, *message.get("d", ())):
        if "rows" in holder:
            rows = holder["rows"]
            holder["rows"] = rows | {"t0": 0, "t": [rows["t0"] + offset for offset in rows["t"]]}
    return message


def golden(name: str, **changes: Any) -> dict[str, Any]:
    return copy.deepcopy(GOLDEN[name]) | changes


@pytest.mark.parametrize("name", [name for name, frame in GOLDEN.items() if frame["t"] == "snap"])
def test_snapshots_are_as_in_the_golden_file(name: str) -> None:
    wire = GOLDEN[name]
    part, parts = wire["part"], wire["parts"]
    frame = frames.snapshot(wire["src"], wire["epoch"], wire["seq"], [rows_of(wire["rows"])] * parts)[part - 1]
    assert settled(strict(frame)) == settled(golden(name, k=frame.token))
    assert frame.token


@pytest.mark.parametrize("name", [name for name, frame in GOLDEN.items() if frame["t"] == "d"])
def test_data_are_as_in_the_golden_file(name: str) -> None:
    parts = []
    for part in GOLDEN[name]["d"]:
        parts.append(frames.data_part(part["src"], part["a"], part["b"], rows_of(part["rows"])))
    frame = frames.data(parts)
    assert settled(strict(frame)) == settled(golden(name, k=frame.token))


@pytest.mark.parametrize("name", [name for name, frame in GOLDEN.items() if frame["t"] == "gap"])
def test_gaps_are_as_in_the_golden_file(name: str) -> None:
    wire = GOLDEN[name]
    frame = frames.gap(wire["src"], wire["a"], wire["b"], wire["why"], wire["from"], wire["to"])
    assert strict(frame) == wire
    assert frame.token is None


@pytest.mark.parametrize("name", [name for name, frame in GOLDEN.items() if frame["t"] == "st"])
def test_states_are_as_in_the_golden_file(name: str) -> None:
    wire = GOLDEN[name]
    state = SourceState(wire["state"], wire["since"], wire["last"], wire["hz"], wire["msg"])
    assert strict(frames.state(wire["src"], state)) == wire


@pytest.mark.parametrize("name", ["hb", "hb: nothing subscribed"])
def test_heartbeats_are_as_in_the_golden_file(name: str) -> None:
    wire = GOLDEN[name]
    frame = frames.heartbeat(wire["now"], {int(src): tuple(place) for src, place in wire["pos"].items()})
    assert strict(frame) == golden(name, k=frame.token)


@pytest.mark.parametrize("name", [name for name, frame in GOLDEN.items() if frame["t"] == "bye"])
def test_farewells_have_the_fields_of_the_golden_file(name: str) -> None:
    wire = GOLDEN[name]
    told = strict(frames.farewell(CloseCode(wire["code"]), wire["msg"]))
    assert told.keys() == wire.keys()
    assert (told["code"], told["msg"], told["resume"]) == (wire["code"], wire["msg"], wire["resume"])
    assert (told["retry"] is None) == (wire["retry"] is None)


def test_answers_are_as_in_the_golden_file() -> None:
    assert strict(frames.ok(10)) == GOLDEN["ok"]
    assert strict(frames.pong(12, 1795361846001)) == GOLDEN["pong"]
    for name in ("err: forbidden", "err: bad, to a message without an id", "err: limit"):
        wire = GOLDEN[name]
        assert strict(frames.error(wire["id"], wire["code"], wire["msg"])) == wire
    for name, wire in GOLDEN.items():
        if wire["t"] == "ev":
            assert strict(frames.event(wire["kind"], wire["data"])) == GOLDEN[name]


floats = st.floats(allow_nan=False, allow_infinity=False)
ticks = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.integers(0, 2**53 - 1),
        floats | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.none() | floats,
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(ticks, st.booleans())
def test_what_comes_out_of_a_frame_is_what_went_in(given_ticks: list[tuple[Any, ...]], merged: bool) -> None:
    columns = [list(column) for column in zip(*given_ticks, strict=True)] or [[], [], [], []]
    series, times, values, volumes = columns
    # A series is one or the other, text or number: texts get ids of their own.
    series = [number + 10 if isinstance(value, str) else number for number, value in zip(series, values, strict=True)]
    whole = Ticks.of(series, times, values, volumes)
    with np.errstate(over="ignore"):
        rows = conflate(whole, 60_000) if merged else Rows(whole)
    part = strict(frames.data_part(7, 1, max(len(whole), 1), rows))
    assert part["n"] == len(whole) == sum(part["rows"].get("k", [1] * len(part["rows"]["i"])))
    lengths = {len(column) for name, column in part["rows"].items() if name != "t0"}
    assert lengths == {len(rows)}
    if rows.counts is None:
        assert part["rows"]["i"] == series
        assert [part["rows"]["t0"] + offset for offset in part["rows"]["t"]] == times
        assert part["rows"]["v"] == values
        assert part["rows"].get("q", [None] * len(values)) == volumes
    else:
        assert {"k", "o", "h", "l"} <= part["rows"].keys()


def test_whole_numbers_travel_without_a_fraction_and_large_ones_unharmed() -> None:
    wire = strict(frames.data_part(1, 1, 3, Rows(Ticks.of([1, 1], [0, 0], [7.0, -3.0]))))
    assert '"v":[7,-3]' in json.dumps(wire, separators=(",", ":"))
    for value in (2.0**53, 2.0**63, -(2.0**70), 1e308, 5e-324, 0.1):
        wire = strict(frames.data_part(1, 1, 1, Rows(Ticks.of([1], [0], [value]))))
        assert float(wire["rows"]["v"][0]) == value


def test_frames_of_nothing_have_all_columns() -> None:
    assert strict(frames.data_part(1, 5, 9, Rows(Ticks.empty()))) == {
        "src": 1,
        "a": 5,
        "b": 9,
        "n": 0,
        "rows": {"i": [], "t0": 0, "t": [], "v": []},
    }


def test_tokens_are_of_one_frame_only() -> None:
    made = [frames.data([]).token for _ in range(1000)] + [frames.heartbeat(0, {}).token for _ in range(1000)]
    assert len(set(made)) == 2000


def test_a_frame_is_utf_8_and_its_length_is_in_bytes() -> None:
    frame = frames.event("note", {"text": "\u201cdoor open\u201d \u26a0 \U0001f6aa"})
    assert frame.text == frame.data.decode("utf-8")
    assert len(frame) == len(frame.data) > len(frame.text)
