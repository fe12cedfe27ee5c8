"""Holds what every kind of source has to bear, whatever it talks to.

To put a kind under the contract, write a `Counterpart` for it in `tests/unit/feeds/kinds/counterparts.py` (or a module
of your own that is named there), around the **real** thing: a server on a free port, a broker from
`tests/support/services.py`, a file. Then add it to `COUNTERPARTS`; `test_contract.py` runs every test for each.

    class ThingCounterpart(Counterpart):
        kind = "thing"

        async def start(self) -> None: ...      # also after stop(), on the same address
        async def stop(self) -> None: ...       # as if it had crashed
        def config(self) -> dict[str, Any]: ... # with which the series `a` ticks; `SECRET` where a secret belongs
        async def give(self, value: float) -> None: ...  # the kind shall tick `a` with it once, or from now on
        async def babble(self, text: str) -> None: ...   # a payload that is garbage, holding this text

`changed` is a config that differs without mattering. What does not hold for a kind is said by a class attribute with
its reason, never by a skip inside a test: `exempt` names the tests that cannot apply, and why.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dashboard.feeds import registry
from dashboard.feeds.base import Feed, Inbox, SourceSpec, nothing_comes
from dashboard.feeds.limits import Limits
from dashboard.feeds.registry import secret_names
from tests.unit.feeds.cast import Bench, until

# Stands where a secret belongs; found anywhere else, the test fails.
SECRET = "open-sesame-8471"
# Quick to try again, and slow to lose patience: the machine may be busy with something else.
LIMITS = Limits(look=0.05, silence=60.0, retry_base=0.1)
SECONDS = 30.0


class Counterpart(ABC):
    kind: ClassVar[str]
    # Tells counterparts of one kind apart.
    mode: ClassVar[str] = ""
    # The series that ticks.
    key: ClassVar[str] = "a"
    # Whether the kind ticks what it is given, or by itself.
    given: ClassVar[bool] = True
    # Tests of the contract that cannot apply, and why.
    exempt: ClassVar[Mapping[str, str]] = {}
    # Whether the kind notices by itself that its counterpart has gone.
    notices_absence: ClassVar[bool] = True
    # Whether babble can be told from values at all.
    tells_garbage: ClassVar[bool] = True
    # How many values a flood has, and whether each becomes a tick: a poll only sees what is there when it asks.
    flood: ClassVar[int] = 2_000
    every_value_counts: ClassVar[bool] = True

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        """`request.getfixturevalue("redis_url")` and the like give the servers that the tests share."""
        self.request = request
        self.folder = folder
        # How often the kind has given something; set by the stage.
        self.taken: Callable[[], int] = lambda: 0

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    def config(self) -> dict[str, Any]: ...

    def changed(self) -> dict[str, Any]:
        return self.config() | {"time_format": "ms"}

    def inbox_of(self, source: int) -> Inbox:
        """Returns the way in for a kind to which things are pushed."""
        return nothing_comes

    def ready(self) -> bool:
        """Tells whether what is given now would arrive: for kinds to which nothing is repeated."""
        return True

    @abstractmethod
    async def give(self, value: float) -> None: ...

    @abstractmethod
    async def babble(self, text: str) -> None: ...

    async def fall_silent(self) -> None:
        """Gives nothing more, without going away; for most that is to do nothing."""
        await asyncio.sleep(0)

    async def pour(self, values: list[float]) -> None:
        """Gives many values as fast as it goes."""
        for value in values:
            await self.give(value)


class Stage(Bench):
    """Runs the kind under test as source 1, and a neighbour that never did anything wrong as source 2."""

    def __init__(self, counterpart: Counterpart) -> None:
        super().__init__(LIMITS)
        self.counterpart = counterpart
        counterpart.taken = lambda: len(self.taken.get(1, []))
        self.supervising = self.supervisor()

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {"inbox_of": self.counterpart.inbox_of}

    def kind_of(self, name: str) -> type[Feed[Any]]:
        return registry.kind(name)

    def source(self, config: Mapping[str, Any] | None = None, cadence: float = 0.2) -> SourceSpec:
        given = dict(self.counterpart.config() if config is None else config)
        names = secret_names(self.kind_of(self.counterpart.kind))
        secrets = {name: given.pop(name) for name in names if name in given}
        return self.spec(self.counterpart.kind, 1, config=given, secrets=secrets, cadence=cadence)

    async def run(self, config: Mapping[str, Any] | None = None, cadence: float = 0.2) -> None:
        neighbour = self.spec("simulated", 2, config={"symbols": 1, "rate": 20}, cadence=0.05)
        await self.supervising.reconcile([self.source(config, cadence), neighbour])

    def place(self) -> int:
        return self.ids.get((1, self.counterpart.key), -1)

    def got(self) -> list[float]:
        ticks = self.ticks(1)
        return ticks.values[ticks.series == self.place()].tolist() if self.taken.get(1) else []

    @property
    def neighbours_ticks(self) -> int:
        return len(self.ticks(2)) if self.taken.get(2) else 0

    async def see(self, value: float) -> None:
        """Gives a value until it has arrived; of a kind that ticks by itself, waits for its next tick."""
        if not self.counterpart.given:
            before = len(self.got())
            await until(lambda: len(self.got()) > before, SECONDS)
            return
        async with asyncio.timeout(SECONDS):
            await until(self.counterpart.ready, SECONDS)
            while value not in self.got():
                await self.counterpart.give(value)
                for _ in range(10):
                    if value in self.got():
                        break
                    await asyncio.sleep(0.05)
