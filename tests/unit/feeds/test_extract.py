from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from dashboard.feeds.base import FeedBatch, SeriesSpec
from dashboard.feeds.extract import MOST_ITEMS, Extraction, Extractor
from dashboard.feeds.payload import NotJson, milliseconds, shape
from dashboard.feeds.words import complaints
from tests.unit.feeds.cast import Bench, Once, Running, until

WEATHER = {
    "name": "Graz",
    "main": {"temp": 12.5, "humidity": "81"},
    "wind": {"gust": None},
    "ok": True,
    "dt": 1795000000,
}


def pick(payload: Any, **config: Any) -> FeedBatch:
    return Extractor(Extraction.model_validate(config)).batch(payload)


def pairs(batch: FeedBatch) -> dict[str, float | str]:
    return dict(zip(batch.keys, batch.values, strict=True))


def complaint(**config: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Extraction.model_validate(config)
    return complaints(caught.value)


def test_values_are_picked_by_their_paths() -> None:
    batch = pick(
        WEATHER,
        series=[
            {"path": "main.temp", "key": "temperature", "unit": "°C", "decimals": 1},
            {"path": "main.humidity"},
            {"path": "name", "text": True},
            {"path": "ok"},
        ],
    )
    assert pairs(batch) == {"temperature": 12.5, "main.humidity": 81.0, "name": "Graz", "ok": 1.0}
    assert (batch.times, batch.volumes, batch.refused) == (None, None, [])


def test_series_are_known_before_the_first_payload() -> None:
    config = Extraction.model_validate({"series": [{"path": "a.b", "label": "A", "unit": "V", "decimals": 2}]})
    assert Extractor(config).series() == [SeriesSpec("a.b", "A", "V", 2)]


def test_without_paths_every_number_is_taken_under_its_name() -> None:
    payload = {"a": 1, "b": {"c": [2, {"d": 3.5}]}, "text": "4", "none": None, "on": False}
    assert pairs(pick(payload)) == {"a": 1.0, "b.c.0": 2.0, "b.c.1.d": 3.5, "on": 0.0}
    assert pairs(pick(7)) == {"value": 7.0}


def test_nothing_found_is_said_with_the_shape_of_the_payload_and_is_no_zero() -> None:
    batch = pick(WEATHER, series=[{"path": "main.tmp", "key": "t"}, {"path": "wind.gust"}, {"path": "main.temp"}])
    assert pairs(batch) == {"main.temp": 12.5}
    shape = (
        "the payload is {name: text, main: {temp: number, humidity: text}, wind: {gust: null}, "
        "ok: true or false, dt: number}"
    )
    assert batch.refused == [("nothing found at “main.tmp”", shape), ("nothing found at “wind.gust”", shape)]


def test_what_may_be_missing_is_missing_without_a_word() -> None:
    batch = pick({"a": 1}, series=[{"path": "a"}, {"path": "b", "optional": True}])
    assert (pairs(batch), batch.refused) == ({"a": 1.0}, [])


@pytest.mark.parametrize("value", ["on", "", "nan", "1_000", "1,5", "0x10", "٣", {"a": 1}, [1]])
def test_what_is_no_number_is_refused(value: Any) -> None:
    batch = pick({"v": value}, series=[{"path": "v"}])
    assert (batch.keys, [reason for reason, _ in batch.refused]) == ([], ["no number at “v”"])


@pytest.mark.parametrize(("value", "number"), [("12.5", 12.5), (" -3e2 ", -300.0), ("+.5", 0.5), ("007", 7.0)])
def test_numbers_given_as_texts_are_taken(value: str, number: float) -> None:
    assert pairs(pick({"v": value}, series=[{"path": "v"}])) == {"v": number}


def test_a_text_series_takes_what_is_no_text_as_json() -> None:
    assert pairs(pick({"v": {"a": 1}}, series=[{"path": "v", "text": True}])) == {"v": '{"a":1}'}


def test_a_list_of_things_gives_series_for_each() -> None:
    payload = {"at": 1795000000123, "data": [{"s": "BTC", "p": "1.5", "q": 3}, {"s": "ETH", "p": "2"}]}
    batch = pick(
        payload,
        items="data",
        item_key="s",
        time="at",
        volume="q",
        series=[{"path": "p", "label": "Price", "unit": "$"}],
    )
    assert pairs(batch) == {"BTC": 1.5, "ETH": 2.0}
    assert (batch.times, batch.volumes) == ([1795000000123] * 2, [3.0, None])
    assert batch.series == [SeriesSpec("BTC", "BTC Price", "$"), SeriesSpec("ETH", "ETH Price", "$")]


def test_several_values_of_a_thing_have_keys_of_their_own() -> None:
    payload = {"BTC": {"usd": 1, "eur": 2}, "ETH": {"usd": 3, "eur": 4}}
    series = [{"path": "usd", "key": "dollar"}, {"path": "eur", "key": "euro"}]
    assert pairs(pick(payload, items="@", series=series)) == {
        "BTC.dollar": 1.0,
        "BTC.euro": 2.0,
        "ETH.dollar": 3.0,
        "ETH.euro": 4.0,
    }
    assert pairs(pick(payload, items="@")) == {"BTC.usd": 1.0, "BTC.eur": 2.0, "ETH.usd": 3.0, "ETH.eur": 4.0}


def test_rows_of_a_list_go_by_their_place_and_lists_in_lists_by_index() -> None:
    assert pairs(pick([[1, 2], [3, 4]], items="@", series=[{"path": "[1]"}])) == {"0": 2.0, "1": 4.0}


def test_a_series_is_described_once() -> None:
    one = Extractor(Extraction.model_validate({"items": "@", "series": [{"path": "@", "unit": "V"}]}))
    assert [spec.key for spec in one.batch({"a": 1, "b": 2}).series] == ["a", "b"]
    assert [spec.key for spec in one.batch({"b": 2, "c": 3}).series] == ["c"]
    assert one.series() == []


def test_a_list_that_is_not_there_and_items_without_a_key_are_said() -> None:
    assert [reason for reason, _ in pick({"a": 1}, items="data").refused] == ["no list at “data”"]
    batch = pick([{"s": "a", "v": 1}, {"v": 2}, {"s": {}, "v": 3}], items="@", item_key="s", series=[{"path": "v"}])
    assert pairs(batch) == {"a": 1.0}
    assert batch.refused[0] == ("no key at “s”", "the item is {v: number}")


def test_work_is_bounded() -> None:
    batch = pick(list(range(MOST_ITEMS + 5)), items="@", series=[{"path": "@"}])
    assert (len(batch.keys), batch.refused) == (MOST_ITEMS, [("more than 10,000 items", "")])
    batch = pick(list(range(MOST_ITEMS + 5)))
    assert (len(batch.keys), batch.refused) == (MOST_ITEMS, [("more than 10,000 numbers", "")])
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    assert pick(deep).keys == []
    assert len(pick({"k" * 99 + str(n): {"a": n} for n in range(999)}, series=[{"path": "x"}]).refused[0][1]) < 200


def test_a_function_that_does_not_fit_what_came_finds_nothing() -> None:
    assert pick({"a": "x"}, series=[{"path": "sum(a)"}]).refused[0][0] == "nothing found at “sum(a)”"


@pytest.mark.parametrize(
    ("time", "form", "expected"),
    [
        (1795000000, "auto", 1795000000000),
        (1795000000.25, "auto", 1795000000250),
        (1795000000123, "auto", 1795000000123),
        (1795000000123456, "auto", 1795000000123),
        (1795000000123456789, "auto", 1795000000123),
        ("1795000000", "auto", 1795000000000),
        (1795000000, "ms", 1795000000),
        ("5", "s", 5000),
        ("2026-11-22T20:44:27Z", "auto", 1795380267000),
        ("2026-11-22T21:44:27.5+01:00", "iso", 1795380267500),
        ("2026-11-22 20:44:27", "iso", 1795380267000),
    ],
)
def test_times_come_in_many_forms(time: Any, form: Any, expected: int) -> None:
    assert milliseconds(time, form) == expected


@pytest.mark.parametrize("time", [None, "", "yesterday", True, {}, "9" * 400])
def test_values_without_a_time_are_refused_when_there_should_be_one(time: Any) -> None:
    batch = pick({"t": time, "v": 1}, time="t", series=[{"path": "v"}])
    assert batch.keys == []
    assert batch.refused[0][0] in ("no time at “t”", "not a time at “t”")


async def test_a_payload_that_is_not_json_shows_how_it_begins() -> None:
    one = Extractor(Extraction())
    with pytest.raises(NotJson, match="this is not JSON: “<html> 502 Bad"):
        await one.read(b"<html>\n502 Bad Gateway" + b"x" * 100_000)
    assert len((await one.take("{" * 5000)).refused[0][1]) < 200
    assert (await one.take(b"\x00\x01")).refused == [("a message is not JSON", "this is not JSON: it is not text")]
    assert pairs(await one.read(json.dumps({"v": list(range(20_000))}))) != {}


def test_bad_expressions_are_errors_on_their_field() -> None:
    assert complaint(time="a..b")[0][0] == "time"
    assert complaint(series=[{"path": "a["}])[0][0] == "series.0.path"
    assert complaint(items="(" * 500)[0][0] == "items"
    assert complaint(series=[{"path": ""}])[0][0] == "series.0.path"
    assert complaint(series=[{"path": "nope("}])[0][1].startswith("This is not an expression of JMESPath.")
    assert complaint(series=[{"path": "a"}, {"path": "a"}])[0][1] == "Two values have the key “a”."
    assert complaint(items="@", series=[{"path": "a"}, {"path": "b"}])[0][1] == "Two values need two keys."


def test_every_field_tells_people_what_it_is() -> None:
    for name, schema in Extraction.model_json_schema()["properties"].items():
        assert {"title", "description"} <= schema.keys(), name


def test_a_shape_holds_no_value() -> None:
    assert "hunter2" not in shape({"password": "hunter2", "list": ["hunter2"]})


async def test_what_a_feed_could_not_read_degrades_it_and_items_bring_their_units() -> None:
    bench = Bench()
    one = Extractor(Extraction.model_validate({"items": "@", "series": [{"path": "v", "unit": "V", "decimals": 1}]}))
    kind = Once(one.batch({"a": {"v": 1.26}, "b": {"w": 2}})).on(bench)
    bench.kinds[kind].series = lambda feed: ()  # type: ignore[method-assign]
    async with Running(bench.runner(bench.spec(kind, cadence=1.0))):
        await until(lambda: "degraded" in bench.states())
    assert bench.values() == [1.3]
    assert bench.asked == [[SeriesSpec("a", "", "V", 1)]]
    assert bench.last().msg == "1 tick refused: nothing found at “v” (the payload is {w: number})"
