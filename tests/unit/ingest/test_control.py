"""Tests what a worker reads from the database, and what it writes there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from dashboard.feeds.base import SeriesInfo, SeriesSpec
from dashboard.ingest import control
from dashboard.models import DataSource, Series, SourceStatus
from dashboard.models.secrets import seal
from dashboard.protocol.messages import SourceState

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> DataSource:
    return DataSource.objects.create(name="Market", slug="market", kind="simulated", config={"a": 1}, cadence=0.5)


def specs(*keys: str) -> list[SeriesSpec]:
    return [SeriesSpec(key, f"Label of {key}", "USD", 2) for key in keys]


def test_enabled_sources_are_desired_with_their_series(source: DataSource) -> None:
    other = DataSource.objects.create(name="Off", slug="off", kind="simulated", enabled=False)
    one = Series.objects.create(source=source, key="A", decimals=2)
    two = Series.objects.create(source=source, key="B", text=True)
    Series.objects.create(source=other, key="C")
    (spec,) = control.desired()
    assert (spec.id, spec.slug, spec.kind, spec.config, spec.cadence) == (
        source.pk,
        "market",
        "simulated",
        {"a": 1},
        0.5,
    )
    assert spec.series == {"A": SeriesInfo(one.pk, 2, False), "B": SeriesInfo(two.pk, None, True)}


def test_secrets_are_opened_for_the_feed_and_shown_by_nothing(source: DataSource) -> None:
    DataSource.objects.update(secrets=seal({"password": "hunter2"}))
    (spec,) = control.desired()
    assert spec.secrets == {"password": "hunter2"}
    assert "hunter2" not in repr(spec)
    before = spec
    DataSource.objects.update(secrets=seal({"password": "hunter2"}))
    assert control.desired() == [before], "sealed anew they are the same, and the feed runs on"
    DataSource.objects.update(secrets=seal({"password": "hunter3"}))
    assert control.desired() != [before]


def test_secrets_that_no_key_opens_are_the_trouble_of_that_source_alone(source: DataSource, settings: Any) -> None:
    DataSource.objects.create(name="Other", slug="other", kind="simulated")
    DataSource.objects.update(secrets=seal({"password": "hunter2"}))
    DataSource.objects.filter(slug="other").update(secrets="")
    settings.TICKWALL_SECRET_KEYS = [Fernet.generate_key().decode()]
    troubles = {spec.slug: spec.trouble for spec in control.desired()}
    assert troubles["other"] == ""
    assert "enter them again" in troubles["market"]


def test_a_kind_that_the_code_does_not_know_is_desired_all_the_same(source: DataSource) -> None:
    DataSource.objects.update(kind="from the future")
    assert control.desired()[0].kind == "from the future"


def test_new_series_are_made_as_the_feed_describes_them(source: DataSource) -> None:
    infos = control.admit(source.pk, [*specs("A"), SeriesSpec("B", text=True)])
    made = {row.key: row for row in Series.objects.all()}
    assert (made["A"].label, made["A"].unit, made["A"].decimals) == ("Label of A", "USD", 2)
    assert infos == {"A": SeriesInfo(made["A"].pk, 2, False), "B": SeriesInfo(made["B"].pk, None, True)}


def test_series_are_admitted_up_to_the_limit_of_the_source(source: DataSource) -> None:
    DataSource.objects.update(max_series=3)
    assert set(control.admit(source.pk, specs("A", "B"))) == {"A", "B"}
    assert set(control.admit(source.pk, specs("C", "D", "E"))) == {"C"}
    assert set(control.admit(source.pk, specs("D", "A"))) == {"A"}
    assert Series.objects.count() == 3
    DataSource.objects.update(max_series=1)
    assert set(control.admit(source.pk, specs("A", "B", "C", "F"))) == {"A", "B", "C"}, "what is there stays"


def test_what_an_operator_has_edited_stays(source: DataSource) -> None:
    control.admit(source.pk, specs("A"))
    Series.objects.update(label="My own", unit="EUR", decimals=5)
    assert control.admit(source.pk, specs("A"))["A"].decimals == 5
    row = Series.objects.get()
    assert (row.label, row.unit, row.decimals) == ("My own", "EUR", 5)


def test_a_key_that_comes_twice_is_one_series(source: DataSource) -> None:
    assert len(control.admit(source.pk, specs("A", "A", "A"))) == 1
    assert Series.objects.count() == 1


def test_a_source_that_is_gone_admits_nothing(source: DataSource) -> None:
    assert control.admit(404, specs("A")) == {}


def test_series_of_another_source_are_not_mixed_up(source: DataSource) -> None:
    other = DataSource.objects.create(name="Other", slug="other", kind="simulated")
    one, two = control.admit(source.pk, specs("A"))["A"], control.admit(other.pk, specs("A"))["A"]
    assert one.id != two.id


def test_states_are_recorded_and_overwritten(source: DataSource) -> None:
    state = SourceState("live", 1_795_361_835_123, 1_795_361_835_999, 99.5, "")
    control.record({source.pk: (state, 3)}, "host:1")
    down = SourceState("down", 1_795_361_840_000, None, 0.0, "HTTP 503 \u26a0")
    control.record({source.pk: (down, 4)}, "host:2")
    row = SourceStatus.objects.get()
    assert (row.state, row.message, row.worker, row.refused, row.hz) == ("down", "HTTP 503 \u26a0", "host:2", 4, 0.0)
    assert row.since is not None
    assert int(row.since.timestamp() * 1000) == 1_795_361_840_000
    assert row.last_tick is None


def test_the_state_of_a_source_that_was_deleted_is_dropped_and_the_others_are_kept(source: DataSource) -> None:
    state = SourceState("live", 5, None, 1.0, "")
    control.record({404: (state, 0), source.pk: (state, 0)}, "w")
    assert list(SourceStatus.objects.values_list("source", flat=True)) == [source.pk]
    control.record({404: (state, 0)}, "w")
    control.record({}, "w")


def test_a_worker_confirms_what_it_said_itself_and_no_other(source: DataSource) -> None:
    other = DataSource.objects.create(name="Other", slug="other", kind="simulated", enabled=False)
    control.record({source.pk: (SourceState("live", 1000), 0)}, "ana")
    control.record({other.pk: (SourceState("live", 1000), 0)}, "ben")
    long_ago = timezone.now() - timedelta(hours=1)
    SourceStatus.objects.update(updated=long_ago)
    control.vouch([source.pk, other.pk], "ana")
    current = {row.source_id: row.current[0] for row in SourceStatus.objects.all()}
    assert current == {source.pk: "live", other.pk: "down"}
    assert control.existing() == {source.pk, other.pk}
