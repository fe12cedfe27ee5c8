"""Holds what every kind of source is made of: its config, its series, and the batches it yields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

ConfigT = TypeVar("ConfigT", bound="FeedConfig")

# The longest key that the database holds.
KEY_CHARACTERS = 200


class FeedError(Exception):
    """A failure of a feed whose text is meant for people and is shown as it is."""

    # Seconds that the other side asks not to be bothered for, if it does.
    retry_after: float = 0.0


class FeedConfig(BaseModel):
    """Base of the kinds' config schemas: an unknown field is an error, not a silent typo."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """A series as a feed describes it; `decimals` None keeps values as they come."""

    key: str
    label: str = ""
    unit: str = ""
    decimals: int | None = None
    text: bool = False


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """A series as the database knows it."""

    id: int
    decimals: int | None = None
    text: bool = False


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as it is meant to run: one enabled row of the database, without the database.

    `cadence` is in seconds. `series` maps the source's own keys to what is known of them. `secrets` are values of the
    config that are stored apart from it, by field; `trouble` says in plain words why they could not be had.
    Two specs that compare equal need no restart of the feed (`series` is left out of the comparison).
    """

    id: int
    slug: str
    kind: str
    config: Mapping[str, Any]
    cadence: float
    max_series: int = 1000
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    trouble: str = ""
    series: Mapping[str, SeriesInfo] = field(default_factory=dict, compare=False)
    # The log holds nothing of this source yet: the feed may begin with what it knows of the past.
    fresh: bool = field(default=False, compare=False)
    # Another number asks for a fresh start.
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class FeedBatch:
    """What a feed yields: columns of equal length, in the order in which things happened.

    `times` are milliseconds since 1970 UTC; None means "now". `volumes` None means that no row has one, None in a
    row that this one has none. Columns of numbers may be numpy arrays: they are taken over without a look at each row.

    `refused` holds (reason, example) for each row that the feed itself could not read; they are counted and shown with
    those that are refused later. `series` describes series that were not known before the first tick.
    `lost` is how many ticks before the first row are known to be lost: viewers see a gap there.
    """

    keys: Sequence[str]
    values: Sequence[float | str] | NDArray[np.float64]
    times: Sequence[int] | NDArray[np.int64] | None = None
    volumes: Sequence[float | None] | NDArray[np.float64] | None = None
    refused: Sequence[tuple[str, str]] = ()
    series: Sequence[SeriesSpec] = ()
    lost: int = 0


# Waits for what was pushed to a source and returns it, oldest first. Asking again says that what came before has been
# yielded: it is let go of when it is in the log, and is given again, perhaps to another worker, if it never gets there.
Inbox = Callable[[], Awaitable[Sequence[bytes]]]


async def nothing_comes() -> Sequence[bytes]:
    """The inbox of a feed that is only tried out."""
    raise FeedError("what is sent to this source is taken when it runs; save it, enable it, and send it a tick")


class Feed(ABC, Generic[ConfigT]):
    """One kind of source.

    A kind lives in `feeds/kinds/<kind>.py`, names its config schema, and yields batches from `run` until it is
    cancelled. It may raise anything: the runner turns that into a state and tries again with back-off. It must not
    block the event loop: slow or blocking work goes through `asyncio.to_thread`.
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    Config: ClassVar[type[FeedConfig]]
    # False for a kind that may rightly be silent for ever (a webhook): silence then never restarts it.
    ticks_by_itself: ClassVar[bool] = True
    # The longest wait in seconds between two tries of a failing feed; shorter where a return must be noticed soon.
    retry_cap: ClassVar[float] = 30.0

    def __init__(self, config: ConfigT) -> None:
        self.config = config
        self.inbox: Inbox = nothing_comes
        # What one run notes for the next, such as how far it has read; it is lost when the config changes.
        self.memory: dict[str, Any] = {}

    def series(self) -> Sequence[SeriesSpec]:
        """Returns the series that are known before the first tick; others are admitted as they come.

        It is called in the event loop before each run and must be quick.
        """
        return ()

    async def past(self) -> AsyncIterator[FeedBatch]:
        """Yields what happened before `run`, oldest first, for a log that holds nothing of this source yet.

        Most kinds know of nothing.
        """
        nothing: Sequence[FeedBatch] = ()
        for batch in nothing:
            yield batch

    @abstractmethod
    def run(self) -> AsyncIterator[FeedBatch]:
        """Yields batches. Leaving it by return means that the source has ended and is started again."""
