from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from dashboard.feeds import registry
from dashboard.feeds.base import Feed, FeedBatch, FeedConfig, FeedError, SeriesSpec, SourceSpec
from dashboard.feeds.trial import trial
from dashboard.models import DataSource, Series, SourceStatus
from tests.unit.models.cast import Cast, assemble


@pytest.fixture
def cast(db: None) -> Cast:
    return assemble()


def add(slug: str = "new", **options: Any) -> None:
    call_command("source", "add", slug, **{"kind": "simulated", **options})


def test_a_source_is_added_with_the_defaults_of_its_kind(db: None) -> None:
    add(name="New", cadence=0.5, config='{"symbols": 3, "rate": 10}')
    source = DataSource.objects.get(slug="new")
    assert (source.name, source.cadence, source.enabled) == ("New", 0.5, True)
    assert source.config["rate"] == 10
    assert "volatility" in source.config


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"slug": "market"}, "already exists"),
        ({"slug": "two words"}, "slug: "),
        ({"kind": "crystal-ball"}, "no kind of source called “crystal-ball”"),
        ({"config": "{"}, "--config is not JSON"),
        ({"config": "[]"}, "must be a JSON object"),
        ({"config": '{"rate": NaN}'}, "NaN is not a number"),
        ({"config": '{"rate": 0, "foo": 1}'}, "rate: .*foo: "),
        ({"cadence": float("nan")}, "cadence: "),
        ({"cadence": 0.0}, "cadence: "),
        ({"name": "x" * 101}, "name: "),
    ],
)
def test_what_cannot_be_added_is_told_in_plain_words(cast: Cast, options: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        add(**options)
    assert DataSource.objects.count() == 2


def test_the_list_shows_every_source_with_its_state(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    SourceStatus.objects.create(source=cast.vault, state="down", message="HTTP 503", hz=1.25)
    call_command("source", "list")
    head, market, vault = capsys.readouterr().out.splitlines()
    assert head.startswith("SLUG    KIND")
    assert market.split() == ["market", "simulated", "yes", "never", "run"]
    assert vault.split() == ["vault", "simulated", "yes", "down", "1.2", "HTTP", "503"]


def test_show_prints_the_config_as_json(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    cast.market.config = {"rate": 2.0}
    cast.market.save()
    call_command("source", "show", "market")
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{") :]) == {"rate": 2.0}
    assert "2 of 1,000 at most" in out


def test_what_a_command_does_is_told_in_the_history_as_its_doing(cast: Cast) -> None:
    call_command("source", "disable", "market")
    event = cast.market.events.first()
    assert event is not None
    assert (event.kind, event.person) == ("disabled", "manage.py source disable")


def test_a_source_is_disabled_enabled_and_removed(cast: Cast) -> None:
    call_command("source", "disable", "market")
    assert not DataSource.objects.get(slug="market").enabled
    call_command("source", "enable", "market")
    assert DataSource.objects.get(slug="market").enabled
    call_command("source", "remove", "market")
    assert not Series.objects.filter(key="AAPL").exists()


@pytest.mark.parametrize("verb", ["show", "test", "enable", "disable", "remove"])
def test_a_source_that_does_not_exist_is_told(cast: Cast, verb: str) -> None:
    with pytest.raises(CommandError, match="There is no source nothing"):
        call_command("source", verb, "nothing")


def test_a_test_prints_the_first_three_samples_of_each_series_and_writes_nothing(
    cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    cast.market.config = {"symbols": ["AAPL", "XYZ"], "rate": 50}
    cast.market.save()
    before = Series.objects.count()
    call_command("source", "test", "market")
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == ["AAPL"] * 3 + ["XYZ"] * 3
    assert "market works" in out
    assert Series.objects.count() == before


def test_a_test_of_a_kind_that_the_code_does_not_know_says_so(cast: Cast) -> None:
    cast.market.kind = "crystal-ball"
    cast.market.save()
    with pytest.raises(CommandError, match=r"market is down: .*crystal-ball"):
        call_command("source", "test", "market")


class Broken(Feed[FeedConfig]):
    kind = "broken"
    label = "Broken"
    Config = FeedConfig

    def series(self) -> list[SeriesSpec]:
        return [SeriesSpec("a"), SeriesSpec("b", text=True)]

    async def run(self) -> AsyncIterator[FeedBatch]:
        yield FeedBatch(["a", "b", "a"], [1.0, "open", float("nan")])
        raise FeedError("The fuse has blown")


async def test_a_trial_keeps_what_came_before_the_error_and_tells_the_first_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(registry._registry._loaded, "broken", Broken)
    monkeypatch.setattr(registry._registry, "_names", lambda: ["broken"])
    found = await trial(SourceSpec(1, "x", "broken", {}, 1.0))
    assert {key: [sample.value for sample in samples] for key, samples in found.samples.items()} == {
        "a": [1.0],
        "b": ["open"],
    }
    assert found.health is not None
    assert found.health.state == "down"
    assert "The fuse has blown" in found.health.msg
