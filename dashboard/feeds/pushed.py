"""Judges what is pushed to a source before it is taken: all of it, or nothing.

The feed that will give these ticks runs in a worker; this is its counterpart where the requests come in. What passes
here passes the feed's own gate as well, unless the source is changed in between.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
from pydantic import SecretStr

from dashboard.feeds import registry
from dashboard.feeds.base import FeedBatch, FeedError, SeriesInfo, SeriesSpec, SourceSpec
from dashboard.feeds.intake import Draft, mismatch, sift, sift_types
from dashboard.feeds.limits import Limits
from dashboard.feeds.roster import Roster
from dashboard.feeds.words import count, one_line

# Keys that a refusal names.
_NAMED = 3


class Refused(Exception):
    """Nothing was taken; the text says why, and `too_much` that the same in smaller parts would do."""

    def __init__(self, words: str, *, too_much: bool = False) -> None:
        super().__init__(words)
        self.too_much = too_much


@dataclass(frozen=True, slots=True)
class Taken:
    """The ticks of one request, packed for the inbox."""

    count: int
    content: bytes


class Target:
    """One source to which ticks are pushed, as it was when the database was last asked.

    `why_not` says why nothing can be taken at all, empty when it can.
    """

    def __init__(self, spec: SourceSpec, limits: Limits, most_ticks: int, enabled: bool = True) -> None:
        self.source = spec.id
        self.why_not = "" if enabled else "This source is disabled. Nothing is taken until somebody enables it."
        self._limits, self._most_ticks, self._max_series = limits, most_ticks, spec.max_series
        self._secrets: list[bytes] = []
        # New keys that were taken since, and whether they are text: the worker makes their series in a moment.
        self._promised: dict[str, bool] = {}
        try:
            kind = registry.kind(spec.kind)
            if spec.trouble:
                raise registry.BadConfig([("secrets", spec.trouble)])
            self._feed: Any = kind(registry.validated(kind, spec.config, spec.secrets))
        except (registry.UnknownKind, registry.BadConfig) as error:
            self.why_not = f"This source is not set up well: {error}"
            return
        config = self._feed.config
        self._new_series = bool(config.new_series)
        self._secrets = [_plain(secret) for secret in (config.secret, config.old_secret) if secret is not None]
        declared = {it.key: SeriesInfo(0, it.decimals, it.text) for it in self._feed.series()}
        self._roster = Roster({**declared, **spec.series}, spec.max_series, limits)
        self._known = len(declared.keys() | spec.series.keys())

    def signed(self, message: Sequence[bytes], signatures: Sequence[str]) -> bool:
        """Tells whether one of the signatures (HMAC-SHA256, hexadecimal) is that of a secret of this source."""
        found = False
        for secret in self._secrets:
            right = hmac.new(secret, digestmod=hashlib.sha256)
            for part in message:
                right.update(part)
            # All are compared, so that the time it takes says nothing of which one was near.
            for signature in signatures:
                found |= hmac.compare_digest(right.hexdigest().encode(), signature.encode())
        return found

    def take(self, body: bytes, now: int) -> Taken:
        """Returns the ticks of a body; `now` is in milliseconds since 1970 UTC. Raises Refused."""
        try:
            batch: FeedBatch = self._feed.read(body, now)
        except FeedError as error:
            raise Refused(one_line(str(error))) from None
        if batch.refused:
            reason, example = batch.refused[0]
            raise Refused(one_line(f"Something in it cannot be read: {reason}{f' ({example})' if example else ''}."))
        total = max(len(batch.keys), mismatch(batch))
        if not total:
            raise Refused("There is no tick in it.")
        if total > self._most_ticks:
            raise Refused(
                f"{count(total, 'tick')} are more than the {self._most_ticks:,} of one request.", too_much=True
            )
        if mismatch(batch):
            raise Refused("The columns are not of the same length.")
        draft = sift(batch, now, self._limits)
        new = self._match(draft)
        if draft.tally:
            raise Refused(f"Of {count(total, 'tick')}, all or none are taken: {draft.tally}.")
        self._promised |= new
        return Taken(total, pack(replace(batch, times=draft.times.astype(int).tolist())))

    def _match(self, draft: Draft) -> dict[str, bool]:
        """Refuses what is not of a series that there is, or may be; returns the new ones, and whether they are text."""
        places = self._roster.places(draft.keys)
        sift_types(draft, places, self._roster)
        new: dict[str, bool] = {}
        mixed = np.zeros(len(draft.keys), np.bool_)
        for row in np.flatnonzero((places < 0) & draft.fine).tolist():
            key, text = draft.keys[row], row in draft.texts
            mixed[row] = new.setdefault(key, self._promised.get(key, text)) != text
        draft.refuse(mixed, "a new key with both numbers and text")
        if new and not self._new_series:
            named = ", ".join(f"“{one_line(key)[:40]}”" for key in list(new)[:_NAMED])
            more = f" and {len(new) - _NAMED:,} more" if len(new) > _NAMED else ""
            raise Refused(f"There is no series {named}{more}. Add it to the source, or have it take new series.")
        if new and self._known + len(new.keys() | self._promised.keys()) > self._max_series:
            raise Refused(f"{count(len(new), 'new key')} would be more than the source's {self._max_series:,} series.")
        return new


def pack(batch: FeedBatch) -> bytes:
    """Returns a batch with times as the inbox keeps it."""
    return orjson.dumps([batch.keys, batch.values, batch.times, batch.volumes, batch.series])


def unpack(entries: Sequence[bytes]) -> FeedBatch:
    """Returns what was packed, one entry after another, as one batch."""
    keys: list[str] = []
    values: list[float | str] = []
    times: list[int] = []
    volumes: list[float | None] = []
    series: list[SeriesSpec] = []
    for entry in entries:
        parts = orjson.loads(entry)
        keys += parts[0]
        values += parts[1]
        times += parts[2]
        volumes += parts[3] or [None] * len(parts[0])
        series += [SeriesSpec(**each) for each in parts[4]]
    return FeedBatch(keys, values, times, volumes, series=series)


def _plain(secret: SecretStr) -> bytes:
    return secret.get_secret_value().encode()
