"""Holds which series of a source are known, and which keys were turned away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from dashboard.feeds.base import KEY_CHARACTERS, SeriesInfo, SeriesSpec
from dashboard.feeds.limits import Limits
from dashboard.feeds.words import count

# Float64 has no more: rounding to more decimals would only risk an overflow.
_MOST_DECIMALS = 15


class Roster:
    """The series of one source, by place: `ids`, `decimals` (-1 for none) and `text` are columns over the places.

    Keys that were not admitted are remembered, so many at most, and not asked about again for a while.
    Times are steady milliseconds.
    """

    def __init__(self, series: Mapping[str, SeriesInfo], max_series: int, limits: Limits) -> None:
        self._max_series = max_series
        self._limits = limits
        self._declared: dict[str, SeriesSpec] = {}
        self._away: set[str] = set()
        self._away_until = 0
        self._away_why = ""
        self.update(series)

    def update(self, series: Mapping[str, SeriesInfo]) -> None:
        """Takes over what the database holds. Series that are gone there are unknown from now on."""
        self._known = dict(series)
        self._lay_out()
        self._away.difference_update(self._known)

    def declare(self, specs: Iterable[SeriesSpec]) -> None:
        """Notes how the feed describes its series, for when they are to be admitted."""
        self._declared = {spec.key: spec for spec in specs}

    def describe(self, specs: Iterable[SeriesSpec]) -> None:
        """Adds to that, for as many series as there may be: what is beyond the limit is not admitted anyway."""
        for spec in specs:
            if len(self._declared) < self._max_series + len(self._known):
                self._declared[spec.key] = spec

    def undeclared(self, now: int) -> list[SeriesSpec]:
        """Returns the declared series that are to be admitted."""
        return self.wanted({key: spec.text for key, spec in self._declared.items()}, now)

    def places(self, keys: Sequence[str]) -> NDArray[np.int64]:
        """Returns the place of each key, -1 for one that is unknown."""
        get = self._places.get
        try:
            return np.array([get(key, -1) for key in keys], np.int64)
        except TypeError:  # something that cannot be hashed is not a key
            return np.array([get(key, -1) if isinstance(key, str) else -1 for key in keys], np.int64)

    def wanted(self, keys: Mapping[str, bool], now: int) -> list[SeriesSpec]:
        """Returns which of these keys (True: it carries text) to ask admission for, as many as there is room for."""
        if now >= self._away_until:
            self._away.clear()
        if len(self._away) >= self._limits.remembered_keys:
            return []
        room = max(0, self._max_series - len(self._known))
        new = (key for key in keys if key not in self._known and key not in self._away)
        return [self._declared.get(key) or SeriesSpec(key, text=keys[key]) for key in islice(new, room)]

    def admit(self, infos: Mapping[str, SeriesInfo]) -> None:
        if infos:
            self._known.update(infos)
            self._lay_out()

    def turn_away(self, keys: Iterable[str], now: int, *, why: str = "") -> None:
        """Remembers the keys among these that are unknown; `why` is said when an error kept them out."""
        limits = self._limits
        if now >= self._away_until:
            self._away_until = now + int(1000 * (limits.ask_again_after_error if why else limits.ask_again))
        self._away_why = why
        for key in keys:
            if len(self._away) >= limits.remembered_keys:
                break
            if key not in self._known:
                self._away.add(key)

    def complaint(self) -> str:
        """Says how many keys stay outside, and why: 9,000 keys beyond the limit of 1,000."""
        full = len(self._away) >= self._limits.remembered_keys
        number = count(len(self._away), "key") + (" or more" if full else "")
        if self._away_why:
            return f"{number} could not be admitted: {self._away_why}"
        if len(self._known) >= self._max_series:
            return f"{number} beyond the limit of {self._max_series:,}"
        return f"{number} not admitted"

    def _lay_out(self) -> None:
        infos = self._known.values()
        self._places = {key: place for place, key in enumerate(self._known)}
        self.ids = np.array([info.id for info in infos], np.uint32)
        self.text = np.array([info.text for info in infos], np.bool_)
        self.decimals = np.array([_decimals(info.decimals) for info in infos], np.int64)


def is_key(key: object) -> bool:
    """Tells whether something can be the key of a series: text that a database can hold."""
    return isinstance(key, str) and 0 < len(key) <= KEY_CHARACTERS and is_storable(key)


def is_storable(text: str) -> bool:
    """Tells whether a text can be stored and sent: no NUL (PostgreSQL has none), no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _decimals(decimals: int | None) -> int:
    return -1 if decimals is None or decimals > _MOST_DECIMALS else decimals
