"""Holds what has happened to each source: its states with their causes, gaps, and who changed what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

from django.db import models
from django.utils import timezone

from dashboard.models.secrets import Unreadable, unseal
from dashboard.models.source import DataSource, Series

# Events of one source that are kept; older ones go.
KEPT = 500
# Characters of a cause; the rest of a longer one would be an answer of somebody else's server.
CAUSE_CHARACTERS = 500

# Whose doing a change is, as far as the code that makes it knows.
_person: ContextVar[str] = ContextVar("person", default="")

# What a person may change of a source besides switching it.
_FIELDS = ("name", "slug", "kind", "cadence", "max_series")
_SERIES_FIELDS = ("label", "unit", "decimals", "text", "hidden")


class SourceEvent(models.Model):
    """Something that happened to a source. `worker` saw it, or `person` did it; `ticks` is the size of a gap."""

    class Kind(models.TextChoices):
        CREATED = "created"
        CHANGED = "changed"
        ENABLED = "enabled"
        DISABLED = "disabled"
        RESTARTED = "restarted"
        TAKEN = "taken", "Taken over"
        STARTING = "starting"
        LIVE = "live"
        LATE = "late"
        DEGRADED = "degraded"
        DOWN = "down"
        STOPPED = "stopped"
        GAP = "gap"
        MISSED = "missed", "Not recorded"

    source = models.ForeignKey(DataSource, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    cause = models.TextField(blank=True)
    worker = models.CharField(max_length=100, blank=True)
    person = models.CharField(max_length=150, blank=True)
    ticks = models.PositiveBigIntegerField(null=True)

    class Meta:
        # In the order in which they were written down; clocks of several machines need not agree.
        ordering = ("-id",)
        indexes = [models.Index(fields=("source", "id"), name="event_by_source")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.cause}" if self.cause else self.get_kind_display()

    @classmethod
    def write(cls, events: Iterable[Self]) -> set[int]:
        """Writes events of sources that still exist, lets go of what is too old, and returns the sources."""
        given = list(events)
        existing = set(DataSource.objects.filter(pk__in={it.source_id for it in given}).values_list("pk", flat=True))
        kept = [event for event in given if event.source_id in existing]
        for event in kept:
            event.cause = event.cause[:CAUSE_CHARACTERS]
        cls.objects.bulk_create(kept)
        for source in existing:
            cls._prune(source)
        return existing

    @classmethod
    def _prune(cls, source: int) -> None:
        rows = cls.objects.filter(source_id=source)
        old = rows.values_list("pk", flat=True)[KEPT : KEPT + 1]
        if old:
            rows.filter(pk__lte=old[0]).delete()

    @classmethod
    def after(cls, sources: Collection[int], number: int, most: int) -> list[dict[str, Any]]:
        """Returns what has happened to sources since the event of that number, oldest first, as plain values."""
        rows = cls.objects.filter(source_id__in=sources, pk__gt=number).order_by("pk")[:most]
        return [row.plain() for row in rows]

    def plain(self) -> dict[str, Any]:
        """Returns the event as the wire has it; `at` in milliseconds since 1970 UTC."""
        return {
            "id": self.pk,
            "src": self.source_id,
            "at": round(self.at.timestamp() * 1000),
            "kind": self.kind,
            "cause": self.cause,
            "by": self.by,
            "ticks": self.ticks,
        }

    @property
    def by(self) -> str:
        return self.person or self.worker


@contextmanager
def acting(person: str) -> Iterator[None]:
    """What is changed within is this person's doing."""
    token = _person.set(person)
    try:
        yield
    finally:
        _person.reset(token)


def differences(before: DataSource | None, after: DataSource) -> list[SourceEvent]:
    """Returns what a save of a source has changed, as events. Of config and secrets only names are told, no values."""
    if before is None:
        return [_event(after.pk, SourceEvent.Kind.CREATED)]
    events = []
    if before.enabled != after.enabled:
        events.append(_event(after.pk, SourceEvent.Kind.ENABLED if after.enabled else SourceEvent.Kind.DISABLED))
    if before.restarts != after.restarts:
        events.append(_event(after.pk, SourceEvent.Kind.RESTARTED))
    changed = [_difference(name, getattr(before, name), getattr(after, name)) for name in _FIELDS]
    changed += [_names("config", before.config, after.config), _names("secrets", _open(before), _open(after))]
    words = "; ".join(filter(None, changed))
    if words:
        events.append(_event(after.pk, SourceEvent.Kind.CHANGED, words))
    return events


def series_differences(before: Series | None, after: Series) -> list[SourceEvent]:
    """Returns what a save of a series has changed. A new one is its feed's doing, and told by the number of series."""
    if before is None:
        return []
    changed = (_difference(name, getattr(before, name), getattr(after, name)) for name in _SERIES_FIELDS)
    words = "; ".join(filter(None, changed))
    return [_event(after.source_id, SourceEvent.Kind.CHANGED, f"series {after.key}: {words}")] if words else []


def _event(source: int, kind: str, cause: str = "") -> SourceEvent:
    return SourceEvent(source_id=source, kind=kind, cause=cause, person=_person.get() or "a command or program")


def _difference(name: str, before: Any, after: Any) -> str:
    return f"{name.replace('_', ' ')} from {_shown(before)} to {_shown(after)}" if before != after else ""


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value in ("", None) else f"{value:g}" if isinstance(value, float) else str(value)


def _names(field: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    missing = object()
    names = sorted(it for it in {*before, *after} if before.get(it, missing) != after.get(it, missing))
    return f"{field}: {', '.join(names)}" if names else ""


def _open(source: DataSource) -> Mapping[str, Any]:
    # The same secrets look different each time they are sealed.
    try:
        return unseal(source.secrets)
    except Unreadable:
        return {"(sealed)": source.secrets}


def missed(counts: Counter[int], worker: str) -> list[SourceEvent]:
    """Returns events which say how many others could not be written down."""
    return [
        SourceEvent(source_id=source, kind=SourceEvent.Kind.MISSED, cause=_count(count), worker=worker)
        for source, count in counts.items()
    ]


def _count(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'} could not be written down in time"
