"""Tests that whatever a viewer sends is either a request or a sentence that says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.protocol import requests
from dashboard.protocol.requests import Ack, BadRequest, Hello, Oversee, Pause, Ping, Set, Subscribe, Unsubscribe

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "frames.json").read_text())
KINDS = {"hello": Hello, "sub": Subscribe, "unsub": Unsubscribe, "ack": Ack, "set": Set, "pause": Pause, "ping": Ping}


def parse(message: Any, max_bytes: int = 16_384) -> requests.Request:
    text = message if isinstance(message, str) else json.dumps(message)
    return requests.parse(text, max_bytes=max_bytes, max_rate=20.0)


def refused(message: Any, **options: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse(message, **options)
    return caught.value


def outcome(text: str) -> requests.Request | BadRequest:
    try:
        return parse(text)
    except BadRequest as error:
        return error


def sub(**fields: Any) -> dict[str, Any]:
    return {"t": "sub", "id": 1, "series": [1], "since": {}, "window": 0} | fields


# --- the golden frames ---


@pytest.mark.parametrize("case", GOLDEN["client"], ids=lambda case: case["name"])
def test_every_golden_frame_of_a_client_is_understood(case: dict[str, Any]) -> None:
    kind = Oversee if "sources" in case["frame"] else KINDS[case["frame"]["t"]]
    assert isinstance(parse(case["frame"]), kind)


@pytest.mark.parametrize("case", GOLDEN["client"], ids=lambda case: case["name"])
def test_unknown_fields_change_nothing(case: dict[str, Any]) -> None:
    assert parse(case["frame"] | {"future": {"x": [1]}}) == parse(case["frame"])


@pytest.mark.parametrize("case", GOLDEN["invalid_client"], ids=lambda case: case["name"])
def test_every_golden_mistake_is_named_in_a_sentence(case: dict[str, Any]) -> None:
    error = refused(case["text"])
    assert len(error.msg.split()) >= 3
    field = case["why"].split()[0]
    if field in ("v", "ticket", "id", "series", "since", "window", "sub", "k", "rate", "visible", "on"):
        assert f"`{field}`" in error.msg or field in error.msg


def test_what_is_read_is_what_was_meant() -> None:
    wanted = {"42": ["Qk3x", 1203], "43": ["", 0]}
    request = parse(sub(series=[102, 101, 102], since=wanted, window=1.5, points=5))
    assert request == Subscribe(1, None, (101, 102), {42: ("Qk3x", 1203), 43: ("", 0)}, 1.5, 5)
    assert parse({"t": "set", "id": 1, "rate": 0, "visible": False}) == Set(1, 0, False)
    assert parse({"t": "hello", "v": 1}) == Hello(1, "", None)


def test_a_sub_of_sources_looks_after_them() -> None:
    assert parse({"t": "sub", "id": 1, "sources": [43, 42, 43]}) == Oversee(1, (42, 43), None)
    assert parse({"t": "sub", "id": 1, "sources": [42], "history": 0}) == Oversee(1, (42,), 0)
    for wrong in ([], "all", [True], [1.5], list(range(1001))):
        assert "`sources` is a list of 1 to 1,000 ids" in refused({"t": "sub", "id": 1, "sources": wrong}).msg
    for wrong in (-1, "5", True):
        assert "`history`" in refused({"t": "sub", "id": 1, "sources": [42], "history": wrong}).msg
    assert "either" in refused(sub(sources=[42])).msg


# --- anything else ---

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    [
        "id",
        "v",
        "build",
        "ticket",
        "dashboard",
        "series",
        "sources",
        "history",
        "since",
        "window",
        "points",
        "sub",
        "k",
        "rate",
        "visible",
    ]
)
messages = st.builds(
    lambda kind, rest: {"t": kind} | rest,
    st.sampled_from(list(KINDS)) | json_values,
    st.dictionaries(fields | st.just("on"), json_values, max_size=8),
)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec=None)) | st.binary().map(lambda junk: junk.decode("latin-1")))
@example("")
@example("\ufeff{}")
@example("\ud800")
@example("[" * 16_000)
@example('{"t":' * 2_000)
@example("9" * 16_000)
@example('{"t":"ping","id":' + "9" * 10_000 + "}")
@example('{"t":"ping","id":1e999}')
@example('{"t":"ping","id":-Infinity}')
@example('{"t":"set","id":1,"rate":-0.0}')
def test_junk_is_refused_or_read_and_raises_nothing_else(text: str) -> None:
    found = outcome(text)
    assert isinstance(found, (BadRequest, Oversee, *KINDS.values()))
    if isinstance(found, BadRequest):
        assert found.msg
        assert found.request is None or isinstance(found.request, int)


@settings(max_examples=400, deadline=None)
@given(messages)
def test_every_message_of_the_right_outline_is_refused_or_read(message: dict[str, Any]) -> None:
    request = outcome(json.dumps(message))
    assert isinstance(request, (BadRequest, Oversee, *KINDS.values()))
    if isinstance(request, BadRequest):
        assert request.msg.encode()
    if isinstance(request, Subscribe):
        assert request.window >= 0
        assert 1 <= request.points < 2**53
        assert all(0 <= seq < 2**53 and src >= 0 for src, (_, seq) in request.since.items())
        assert all(type(series) is int for series in request.series)
        assert (request.dashboard is None) == bool(request.series)


def test_the_bytes_are_counted_and_not_the_letters() -> None:
    message = {"t": "ping", "id": 1, "x": "\u26a0" * 100}
    text = json.dumps(message, ensure_ascii=False)
    assert len(text) < 200 < len(text.encode())
    assert parse(text, max_bytes=len(text.encode())) == Ping(1)
    assert "bytes" in refused(text, max_bytes=len(text.encode()) - 1).msg


def test_nesting_is_allowed_to_the_eighth_level_and_no_further() -> None:
    def nested(levels: int, leaf: str) -> str:
        return '{"t":"ping","id":1,"x":' + "[" * (levels - 1) + leaf + "]" * (levels - 1) + "}"

    assert parse(nested(8, "")) == parse(nested(8, "1")) == Ping(1)
    assert "8" in refused(nested(9, "")).msg
    assert "8" in refused('{"t":"ping","id":1,"x":' + '{"y":' * 8 + "1" + "}" * 8 + "}").msg


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("place", ['"rate":%s', '"rate":1,"x":[%s]'])
def test_numbers_that_are_none_are_refused(number: str, place: str) -> None:
    text = '{"t":"set","id":1,' + place % number + "}"
    if "e999" in number and "[" in place:
        assert parse(text) == Set(1, 1, None)  # of a field that nobody knows, nobody cares
    else:
        refused(text)


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**300, True, False, 1.5, 1.0, "1", None, [], {}])
def test_an_id_is_a_whole_number_that_javascript_can_hold(number: Any) -> None:
    assert refused({"t": "ping", "id": number}).request is None
    assert parse({"t": "ping", "id": 2**53 - 1}) == Ping(2**53 - 1)


def test_a_field_that_comes_twice_is_refused() -> None:
    refused('{"t":"ping","id":1,"id":2}')
    refused('{"t":"ack","t":"ping","id":2}')
    refused('{"t":"ping","id":1,"x":{"y":1,"y":1}}')


@pytest.mark.parametrize(
    "since",
    [
        [],
        "x",
        7,
        {"42": None},
        {"42": []},
        {"42": ["a"]},
        {"42": ["a", 1, 2]},
        {"42": [1, 1]},
        {"42": ["a", "1"]},
        {"42": ["a", True]},
        {"42": ["a", -1]},
        {"42": ["a", 1.5]},
        {"42": ["a", 2**60]},
        {"-1": ["a", 1]},
        {"": ["a", 1]},
        {" 42": ["a", 1]},
        {"4.2": ["a", 1]},
        {"\u0664\u0662": ["a", 1]},
        {"\u00b2": ["a", 1]},
        {"9" * 400: ["a", 1]},
    ],
)
def test_nonsense_for_a_position_is_refused_by_name(since: Any) -> None:
    assert "`since`" in refused(sub(since=since)).msg


@pytest.mark.parametrize("series", [[], {}, "1", 1, [None], ["1"], [1.0], [True], [[1]], [2**53]])
def test_series_are_whole_numbers_and_at_least_one(series: Any) -> None:
    assert "series" in refused(sub(series=series)).msg


@pytest.mark.parametrize("change", [{"window": -1}, {"window": "1"}, {"window": True}, {"window": None}])
def test_a_window_is_a_number_of_seconds(change: dict[str, Any]) -> None:
    assert "`window`" in refused(sub(**change)).msg


@pytest.mark.parametrize("points", [0, -1, 1.5, "600", True, None, 2**53])
def test_points_are_a_whole_number(points: Any) -> None:
    assert "`points`" in refused(sub(points=points)).msg


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "x\udfff", 5, ["market"], True])
def test_a_dashboard_is_named_by_text_that_a_database_can_look_for(name: Any) -> None:
    message = sub(dashboard=name)
    del message["series"]
    assert "`dashboard`" in refused(message).msg


@pytest.mark.parametrize("rate", [-1, 0.1, 0.1999, 20.01, 1e300, "2", True, [2]])
def test_a_rate_is_within_its_bounds(rate: Any) -> None:
    error = refused({"t": "set", "id": 5, "rate": rate})
    assert "`rate`" in error.msg
    assert error.request == 5


def test_a_type_that_a_newer_client_may_have_is_no_strike_and_nonsense_is() -> None:
    error = refused({"t": "future", "id": 3})
    assert (error.strike, error.request) == (False, 3)
    assert refused({"t": ["ping"], "id": 3}).strike
    assert refused({"id": 3}).strike
    assert refused("{").strike
    assert refused({"t": "ping", "id": None}).strike
