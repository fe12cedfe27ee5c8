"""Tests the doorbell and the control messages: plain dicts that any channel layer can carry."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.protocol import control, doorbell


@pytest.mark.parametrize(
    "message",
    [
        control.feeds_look(),
        control.live_look("rights"),
        control.live_look("layout", "market"),
        doorbell.states_rang(),
        *doorbell.rings([1, 2, 3], 2).values(),
    ],
)
def test_every_message_is_a_plain_dict_that_survives_the_layer(message: Any) -> None:
    assert type(message) is dict
    assert isinstance(message["type"], str)
    assert msgpack.unpackb(msgpack.packb(message)) == message
    assert json.loads(json.dumps(message)) == message


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(1, 10_000), max_size=50), st.integers(1, 8))
def test_each_source_rings_once_and_in_its_shard(sources: set[int], shards: int) -> None:
    rung = doorbell.rings(sources, shards)
    assert sorted(source for bell in rung.values() for source in bell["sources"]) == sorted(sources)
    for group, bell in rung.items():
        assert {doorbell.group(source % shards) for source in bell["sources"]} == {group}


def test_nothing_to_ring_for_rings_nowhere() -> None:
    assert doorbell.rings([], 4) == {}


def test_a_state_bell_is_no_tick_bell() -> None:
    assert doorbell.states_rang()["type"] != doorbell.rings([1], 1)["ticks.0"]["type"]
