from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.feeds.base import FeedError
from dashboard.feeds.eventstream import EVENT_BYTES, EventStream

STREAM = (
    b"\xef\xbb\xbf: a comment\n\ndata: 1\n\nevent: price\ndata:2\ndata: 3\nid: 7\r\n\r\nretry: 1500\rdata\r\r"
    b"data: \xc3\xa9\nunknown: x\n\nid: 8\n\ndata: unfinished"
)
EVENTS = [("message", "1", ""), ("price", "2\n3", "7"), ("message", "", "7"), ("message", "é", "7")]


def events(*pieces: bytes) -> tuple[list[tuple[str, str, str]], EventStream]:
    stream = EventStream()
    return [(event.name, event.data, event.id) for piece in pieces for event in stream.feed(piece)], stream


def test_events_are_read_as_the_standard_says() -> None:
    found, stream = events(STREAM)
    assert found == EVENTS
    assert (stream.last_id, stream.retry) == ("8", 1.5)


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_it_does_not_matter_where_a_stream_is_cut(places: list[int]) -> None:
    edges = [0, *sorted(places), len(STREAM)]
    found, stream = events(*(STREAM[start:end] for start, end in pairwise(edges)))
    assert found == EVENTS
    assert (stream.last_id, stream.retry) == ("8", 1.5)


def test_a_stream_goes_on_from_an_id_until_there_is_another() -> None:
    stream = EventStream("5")
    assert [event.id for event in stream.feed(b"data: 1\n\nid: 6\ndata: 2\n\n")] == ["5", "6"]
    assert stream.feed(b"id: a\x00b\n\n") == []
    assert stream.last_id == "6"


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 10_000, b"data: " + b"x" * 10_000 + b"\n"])
def test_an_event_that_never_ends_is_an_error(piece: bytes) -> None:
    stream = EventStream()
    for _ in range(EVENT_BYTES // len(piece)):
        stream.feed(piece)
    with pytest.raises(FeedError, match="longer than 1 MiB"):
        stream.feed(2 * piece)


@pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("99999999999999", 3600.0), ("-1", None), ("1.5", None)])
def test_a_wish_to_wait_is_heard_if_it_is_one(value: str, seconds: float | None) -> None:
    assert events(f"retry: {value}\n".encode())[1].retry == seconds
