"""Says what a tick log is: the one that orders ticks, and from which every viewer reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboard.protocol.messages import SourceState
from dashboard.timeseries.ring import Last, Ring
from dashboard.timeseries.tick import Ticks


class LeaseLost(Exception):
    """The lease with which somebody wanted to append is no longer his; nothing was appended."""


# What viewers are told then.
AWAY = "The tick log cannot be reached"


class LogUnreachable(Exception):
    """The log could not be asked. Whether the last append arrived is not known; it may be repeated."""


class LogDamaged(LogUnreachable):
    """What is stored of one source is not what the log has written there, so nothing can be made of it. Nothing was
    changed, and the other sources are not concerned."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to append to a source. `token` is the fencing number: it only grows.

    `orphaned` is the time (milliseconds) of the last append of an owner who never gave the lease back: what his feed
    gave since then is lost. None when there is nothing to account for.
    """

    source: int
    token: int
    owner: str
    orphaned: int | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """What of a source is in the log: seqs oldest..head of an epoch; empty when oldest = head + 1."""

    epoch: str
    oldest: int
    head: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How the log of a source stands: what is in it, who may append now (None: nobody), and how many of the seqs of
    this epoch stand for ticks that were lost."""

    extent: Extent
    owner: str | None
    lost: int


@dataclass(frozen=True, slots=True)
class Page:
    """Ticks a..b of a source (b = a - 1 when there are none), with the extent at the time of reading."""

    extent: Extent
    a: int
    b: int
    ticks: Ticks


class TickLog(ABC):
    """Orders the ticks of each source by seq, from 1, without holes, within an epoch.

    Every method may raise LogUnreachable, one that asks about a single source LogDamaged. Those that ask about several
    say below what they do with one that is damaged: it must never be in the way of the others.
    Writers: `acquire` a lease, `append` with it, `renew` it, `release` it.
    Readers: `read` pages, or `ring` for a local copy of what is recent, which `refresh` brings up to date.
    The states of the sources travel the same way, so that a lost doorbell loses neither.
    """

    @abstractmethod
    async def acquire(self, source: int, owner: str) -> Lease | None:
        """Takes the lease of a source, or returns None while somebody else holds it."""

    @abstractmethod
    async def enlist(self, worker: str) -> int:
        """Notes that a worker is alive, for as long as a lease lasts, and returns how many are."""

    @abstractmethod
    async def retire(self, worker: str) -> None:
        """Forgets a worker that ends."""

    @abstractmethod
    async def renew(self, leases: Sequence[Lease]) -> Sequence[Lease]:
        """Prolongs the leases and returns those that are still held; none of a damaged source is."""

    @abstractmethod
    async def release(self, lease: Lease) -> None:
        """Gives a lease back; one that was lost already is no error."""

    @abstractmethod
    async def append(self, batches: Sequence[tuple[Lease, Ticks]]) -> Sequence[Extent | LeaseLost | LogDamaged]:
        """Appends each batch to its source, all or nothing of it, and returns the extents after it, in order.

        A batch whose lease has moved on is refused: its place holds a LeaseLost, that of a damaged source a LogDamaged,
        the others are not touched. After a LogUnreachable the same batches may be given again: none is appended twice.
        """

    @abstractmethod
    async def lose(self, lease: Lease, count: int, why: str, start: int | None, end: int | None) -> None:
        """Gives the next `count` seqs to ticks that were lost between two times (milliseconds), so that every viewer
        is told. Raises LeaseLost."""

    @abstractmethod
    async def extent(self, source: int) -> Extent:
        """Returns what of a source is in the log; an unknown source is empty."""

    @abstractmethod
    async def standings(self, sources: Sequence[int]) -> Mapping[int, Standing]:
        """Returns how the logs of these sources stand, in one round trip and without reading them; nothing of those
        that are damaged."""

    @abstractmethod
    async def read(self, source: int, after: int, limit: int) -> Page:
        """Returns up to `limit` ticks with seq > `after`, beginning with the oldest that is there."""

    @abstractmethod
    async def latest(self, source: int) -> Mapping[int, Last]:
        """Returns the last tick of each series, by its id, whatever its age."""

    @abstractmethod
    def ring(self, source: int) -> Ring:
        """Returns the local copy of a source's recent ticks; it is current as of the last `refresh`."""

    @abstractmethod
    async def refresh(self, sources: Iterable[int]) -> None:
        """Brings the rings of these sources up to date, in one round trip; that of a damaged one stays as it is."""

    @abstractmethod
    async def publish(self, states: Mapping[int, SourceState], worker: str) -> None:
        """Makes the states of sources known, in the name of a worker who stands by them while he is enlisted."""

    @abstractmethod
    async def states(self) -> Mapping[int, SourceState]:
        """Returns the last published state of every source; `down` where the worker who said it is gone."""

    @abstractmethod
    async def forget(self, source: int) -> None:
        """Lets go of everything about a source that exists no longer."""

    @abstractmethod
    async def close(self) -> None:
        """Lets go of what the log holds open in this process."""
