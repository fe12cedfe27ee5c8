"""Reads from the database what the worker is to run, and writes there what has become of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from dashboard.feeds.base import SeriesInfo, SeriesSpec, SourceSpec
from dashboard.models import DataSource, Series, SourceStatus
from dashboard.models.secrets import Unreadable, unseal
from dashboard.protocol.messages import SourceState


def desired() -> list[SourceSpec]:
    """Returns every enabled source as it is meant to run."""
    series: dict[int, dict[str, SeriesInfo]] = {}
    for row in Series.objects.filter(source__enabled=True):
        series.setdefault(row.source_id, {})[row.key] = SeriesInfo(row.pk, row.decimals, row.text)
    return [
        SourceSpec(
            row.pk,
            row.slug,
            row.kind,
            row.config,
            row.cadence,
            max_series=row.max_series,
            restarts=row.restarts,
            series=series.get(row.pk, {}),
            **_secrets(row),
        )
        for row in DataSource.objects.filter(enabled=True)
    ]


def _secrets(row: DataSource) -> dict[str, Any]:
    """Opens the secrets for the feed that needs them; what cannot be opened is that source's trouble alone."""
    try:
        return {"secrets": unseal(row.secrets)}
    except Unreadable as error:
        return {"trouble": str(error)}


def admit(source: int, specs: Sequence[SeriesSpec]) -> dict[str, SeriesInfo]:
    """Makes rows for series that are new, up to the source's limit, and returns all of those that are admitted.

    What the operator has changed in a row stays: a feed only describes a series until it exists.
    """
    with transaction.atomic():
        row = DataSource.objects.select_for_update().filter(pk=source).first()
        if row is None:
            return {}
        known = {series.key: series for series in row.series.all()}
        room = max(row.max_series - len(known), 0)
        new = {spec.key: spec for spec in specs if spec.key not in known}
        for spec in list(new.values())[:room]:
            known[spec.key] = row.series.create(
                key=spec.key, label=spec.label, unit=spec.unit, decimals=spec.decimals, text=spec.text
            )
    wanted = {spec.key for spec in specs}
    return {key: SeriesInfo(s.pk, s.decimals, s.text) for key, s in known.items() if key in wanted}


def record(states: Mapping[int, tuple[SourceState, int]], worker: str) -> None:
    """Writes the states, each with the number of refused ticks, of those sources that still exist."""
    existing = set(DataSource.objects.filter(pk__in=states).values_list("pk", flat=True))
    SourceStatus.objects.bulk_create(
        [
            SourceStatus(
                source_id=source,
                state=state.state,
                since=_moment(state.since),
                last_tick=_moment(state.last),
                hz=state.hz,
                message=state.msg,
                worker=worker,
                refused=refused,
                updated=datetime.now(UTC),
            )
            for source, (state, refused) in states.items()
            if source in existing
        ],
        update_conflicts=True,
        unique_fields=["source"],
        update_fields=["state", "since", "last_tick", "hz", "message", "worker", "refused", "updated"],
    )


def vouch(sources: Collection[int], worker: str) -> None:
    """Notes that what a worker said of these sources still holds."""
    SourceStatus.objects.filter(source__in=sources, worker=worker).update(updated=datetime.now(UTC))


def existing() -> set[int]:
    """Returns every source, those that are not to run included."""
    return set(DataSource.objects.values_list("pk", flat=True))


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
