"""Tests the history of sources: what is kept of it, and in which words."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from dashboard.models import DataSource, SourceEvent
from dashboard.models import event as event_module
from dashboard.models.event import missed

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> DataSource:
    return DataSource.objects.create(name="Market", slug="market", kind="simulated")


def test_only_the_newest_events_of_each_source_are_kept(source: DataSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_module, "KEPT", 3)
    other = DataSource.objects.create(name="Other", slug="other", kind="simulated")
    for number in range(5):
        SourceEvent.write([SourceEvent(source=source, kind="late", cause=f"cause {number}")])
    SourceEvent.write([SourceEvent(source=source, kind="live", cause=f"more {number}") for number in range(2)])
    assert [event.cause for event in source.events.all()] == ["more 1", "more 0", "cause 4"]
    assert [event.kind for event in other.events.all()] == ["created"]


def test_events_of_a_source_that_is_gone_are_let_go_and_the_others_are_written(source: DataSource) -> None:
    given = [SourceEvent(source_id=404, kind="live"), SourceEvent(source=source, kind="down", cause="x" * 9000)]
    assert SourceEvent.write(given) == {source.pk}
    event = source.events.first()
    assert event is not None
    assert (event.kind, len(event.cause)) == ("down", event_module.CAUSE_CHARACTERS)
    assert SourceEvent.write([]) == set()


def test_what_has_happened_since_is_told_oldest_first_as_plain_values(source: DataSource) -> None:
    at = datetime.fromtimestamp(1_795_361_835.123, UTC)
    SourceEvent.write([SourceEvent(source=source, kind="gap", cause="lost", worker="mill:1", ticks=3, at=at)])
    created, gap = SourceEvent.after([source.pk], 0, 10)
    assert gap == {
        "id": created["id"] + 1,
        "src": source.pk,
        "at": 1_795_361_835_123,
        "kind": "gap",
        "cause": "lost",
        "by": "mill:1",
        "ticks": 3,
    }
    assert SourceEvent.after([source.pk], created["id"], 10) == [gap]
    assert SourceEvent.after([source.pk], 0, 1) == [created]
    assert SourceEvent.after([source.pk + 1], 0, 10) == []


def test_events_that_could_not_be_written_are_counted(source: DataSource) -> None:
    SourceEvent.write(missed(Counter({source.pk: 1200}), "mill:1"))
    event = source.events.first()
    assert str(event) == "Not recorded: 1,200 events could not be written down in time"
