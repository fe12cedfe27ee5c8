"""Tests what a webhook takes: all of a request, or nothing, and then it says why."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from dashboard.feeds import registry
from dashboard.feeds.base import SeriesInfo, SourceSpec
from dashboard.feeds.limits import Limits
from dashboard.feeds.pushed import Refused, Target, unpack
from tests.unit.feeds import cast
from tests.unit.feeds.cast import Bench, Running

until = partial(cast.until, seconds=20.0)
NOW = 1_795_361_835_123
SERIES = {"cellar": SeriesInfo(1, 2), "note": SeriesInfo(2, text=True)}


def target(max_series: int = 1000, secrets: Mapping[str, str] | None = None, **config: Any) -> Target:
    spec = SourceSpec(7, "push", "webhook", config, 1.0, max_series=max_series, series=SERIES, secrets=secrets or {})
    return Target(spec, Limits(), most_ticks=10)


def taken(body: object, /, **options: Any) -> tuple[Any, ...]:
    found = target(**options).take(json.dumps(body).encode(), NOW)
    batch = unpack([found.content])
    assert found.count == len(batch.keys)
    return batch.keys, batch.values, batch.times, batch.volumes


def refusal(body: object, /, **options: Any) -> str:
    with pytest.raises(Refused) as refused:
        target(**options).take(body if isinstance(body, bytes) else json.dumps(body).encode(), NOW)
    return str(refused.value)


def test_a_tick_alone_is_taken() -> None:
    assert taken({"key": "cellar", "value": 11.5}) == (["cellar"], [11.5], [NOW], [None])


def test_a_batch_keeps_its_order_times_and_volumes() -> None:
    body = [
        {"key": "cellar", "value": 11.5, "time": NOW - 2000, "volume": 3},
        {"key": "note", "value": "damp", "time": "2026-11-22T14:57:14.123Z"},
        {"key": "cellar", "value": 11},
    ]
    times = [NOW - 2000, 1_795_359_434_123, NOW]
    assert taken(body) == (["cellar", "note", "cellar"], [11.5, "damp", 11], times, [3, None, None])


def test_columns_are_taken_as_they_are() -> None:
    body = {"keys": ["cellar"] * 2, "values": [1, 2.5], "times": [NOW - 1, NOW], "volumes": [None, 1]}
    assert taken(body) == (["cellar"] * 2, [1, 2.5], [NOW - 1, NOW], [None, 1])
    assert taken({"keys": ["cellar"], "values": [1]}) == (["cellar"], [1], [NOW], [None])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"key": "cellar", "value": 1', "not JSON"),
        (b'{"key": "cellar", "value": NaN}', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no tick"),
        (b"{}", "“key” is missing"),
        (b"7", "no object"),
        ({"key": "cellar"}, "“value” is missing"),
        ([{"key": "cellar", "value": 1}, {"key": "cellar", "value": 1, "colour": 2}], "Tick 2: “colour”"),
        ([{"key": "cellar", "value": 1}, {"key": "attic", "value": 1}], "no series “attic”"),
        ([{"key": "cellar", "value": 1}, {"key": "cellar", "value": None}], "1 tick refused: not a finite number"),
        ({"key": "cellar", "value": [1]}, "not a finite number"),
        ({"key": "cellar", "value": "warm"}, "text where a number is expected"),
        ({"key": "note", "value": 1}, "a number where text is expected"),
        ({"key": "note", "value": "x" * 1025}, "longer than 1,024 bytes"),
        ({"key": "cellar", "value": 1, "time": NOW - 86_400_001}, "older than 24 h"),
        ({"key": "cellar", "value": 1, "time": NOW + 60_001}, "ahead of the clock"),
        ({"key": "cellar", "value": 1, "time": "yesterday"}, "the time is not"),
        ({"key": "cellar", "value": 1, "time": {}}, "the time is not"),
        ({"key": "cellar", "value": 1, "volume": -1}, "the volume"),
        ({"key": ["cellar"], "value": 1}, "a key must be text"),
        ({"key": "", "value": 1}, "a key must be text"),
        ({"keys": ["cellar"], "values": [1, 2]}, "not of the same length"),
        ({"keys": ["cellar"]}, "lists of the same length"),
        ({"keys": "cellar", "values": [1]}, "lists of the same length"),
        ({"keys": ["cellar"], "values": [1], "colours": [2]}, "no column “colours”"),
        ([{"key": "cellar", "value": 1}] * 11, "11 ticks are more than the 10"),
    ],
)
def test_what_is_not_good_is_refused_in_words(body: object, words: str) -> None:
    assert words in refusal(body)


def test_new_series_are_taken_where_that_is_wanted_and_as_many_as_may_be() -> None:
    body = [{"key": f"key-{number}", "value": number} for number in range(3)]
    assert taken(body, new_series=True, max_series=5)[0] == ["key-0", "key-1", "key-2"]
    assert "3 new keys would be more than the source's 4" in refusal(body, new_series=True, max_series=4)


def test_a_new_key_is_of_one_sort_and_counts_until_its_series_is_there() -> None:
    mixed = [{"key": "new", "value": 1}, {"key": "new", "value": "dry"}]
    assert "1 tick refused: a new key with both numbers and text (new)" in refusal(mixed, new_series=True)
    push = target(max_series=4, new_series=True)
    push.take(json.dumps({"key": "first", "value": "dry"}).encode(), NOW)
    for body in ({"key": "first", "value": 1}, [{"key": "second", "value": 1}, {"key": "third", "value": 1}]):
        with pytest.raises(Refused):
            push.take(json.dumps(body).encode(), NOW)
    push.take(json.dumps([{"key": "first", "value": "wet"}, {"key": "second", "value": 1}]).encode(), NOW)


def test_values_are_picked_out_of_any_json_where_that_is_wanted() -> None:
    values = [{"path": "t", "unit": "°C"}]
    config = {"body": "json", "items": "data", "item_key": "id", "series": values, "time": "at", "new_series": True}
    rows: list[dict[str, Any]] = [{"id": "cellar", "t": "11.5"}, {"id": "attic", "t": 19}]
    body = {"at": NOW // 1000 - 5, "data": rows}
    batch = unpack([target(**config).take(json.dumps(body).encode(), NOW).content])
    assert (batch.keys, batch.values) == (["cellar", "attic"], [11.5, 19.0])
    assert batch.times == [NOW // 1000 * 1000 - 5000] * 2
    assert [(each.key, each.unit) for each in batch.series] == [("cellar", "°C"), ("attic", "°C")]
    assert "no series “attic”" in refusal(body, **{**config, "new_series": False})
    rows.append({"id": "hall", "t": None})
    assert "nothing found at “t”" in refusal(body, **config)


def test_what_is_to_be_picked_may_be_sent_before_it_was_ever_seen() -> None:
    config = {"body": "json", "series": [{"path": "main.temp", "key": "temperature"}]}
    assert taken({"main": {"temp": 3}}, **config)[:2] == (["temperature"], [3.0])


def signature(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def test_two_secrets_hold_at_once() -> None:
    new, old = "new secret of 16 characters", "old secret of 16 characters"
    both = target(secrets={"secret": new, "old_secret": old})
    message = (b"1795361835", b".", b"{}")
    whole = b"".join(message)
    assert both.signed(message, [signature(new, whole)])
    assert both.signed(message, ["0" * 64, signature(old, whole)])
    assert not both.signed(message, [signature("another one of 16 characters", whole), "", "é"])
    assert not both.signed((b"1795361836", b".", b"{}"), [signature(new, whole)])
    assert not target().signed(message, [signature("", whole)]), "without a secret, no signature is right"


def test_what_is_wrong_with_a_source_is_what_its_senders_hear() -> None:
    assert "colour" in target(colour=1).why_not
    spec = SourceSpec(7, "push", "webhook", {}, 1.0, trouble="they cannot be read")
    assert "cannot be read" in Target(spec, Limits(), 10).why_not
    assert "disabled" in Target(SourceSpec(7, "push", "webhook", {}, 1.0), Limits(), 10, enabled=False).why_not


class Post:
    """Stands where the inbox stands."""

    def __init__(self) -> None:
        self.entries: asyncio.Queue[bytes] = asyncio.Queue()

    def inbox_of(self, source: int) -> Any:
        async def inbox() -> Sequence[bytes]:
            return [await self.entries.get()]

        return inbox


async def test_the_feed_gives_what_was_taken_and_may_be_silent() -> None:
    bench, post = Bench(), Post()
    bench.kinds["webhook"] = registry.kind("webhook")
    async with Running(bench.runner(bench.spec("webhook"), inbox_of=post.inbox_of)):
        await asyncio.sleep(3 * bench.limits.silence)
        assert bench.states() == ["starting"], "nobody has to send anything"
        post.entries.put_nowait(target().take(b'{"key": "cellar", "value": 11.5}', time.time_ns() // 1_000_000).content)
        await until(lambda: bench.values() == [11.5])
        await until(lambda: bench.states() == ["starting", "live"])


async def test_it_cannot_be_tried_out_without_being_saved() -> None:
    bench = Bench()
    bench.kinds["webhook"] = registry.kind("webhook")
    async with Running(bench.runner(bench.spec("webhook"))):
        await until(lambda: bench.said("send it a tick"))
