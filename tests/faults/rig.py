"""A cluster of real processes that a test may break, sources whose values count, and the account of what viewers saw.

async with cluster(folder, sources=20) as it:
    async with it.audience(random.Random(seed), 4) as viewers:
        it.kill("worker1")
        ...
        await it.assert_ledger(viewers)
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.faults.members import Member, Postgres, Redis, Web, Worker
from tests.faults.viewers import Account, Resident, assert_ledger
from tests.support.site import ROOT, LogCopy, Person, Site

__all__ = ["Account", "Cluster", "Member", "Resident", "cluster"]

DATA = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from dashboard.models import Dashboard, DataSource, Panel, Series
from dashboard.models.board import PanelSeries
from django.contrib.auth.models import User
ana = User.objects.create_superuser("ana", password="ana likes numbers")
board = Dashboard.objects.create(title="Ledger", slug="ledger", visibility="public", owner=ana)
panel = Panel.objects.create(dashboard=board, kind="watchlist", title="Ledger")
for number in range({sources}):
    config = {{"place": f"{folder}/place{{number}}", "origin": {origin}, "rate": {rate}, "series": {series}}}
    slug = f"ledger{{number:02}}"
    source = DataSource.objects.create(name=slug, slug=slug, kind="ledger", config=config, cadence=1)
    for key in range({series}):
        row = Series.objects.create(source=source, key=f"n{{key}}", label=f"{{slug}} {{key}}", decimals=0)
        PanelSeries.objects.create(panel=panel, series=row, position=number * {series} + key)
"""


class Cluster:
    """The members by name: web1, web2, worker1, worker2, redis, postgres. Without `redis` it is the embedded profile:
    one web process with the worker inside. Without `postgres` the database is SQLite."""

    def __init__(
        self,
        folder: Path,
        *,
        webs: int = 2,
        workers: int = 2,
        redis: str | None = "always",
        postgres: bool = True,
        sources: int = 20,
        series: int = 1,
        rate: float = 100,
        app: str = "config.asgi:application",
        postgres_options: Collection[str] = (),
        **environment: str,
    ) -> None:
        self.folder, self.sources, self.series, self.rate = folder, sources, series, rate
        self.members: dict[str, Member] = {}
        self.redis = Redis(folder, redis) if redis else None
        self.postgres = Postgres(folder, *postgres_options) if postgres else None
        self.environment = {
            "TICKWALL_EXTRA_KINDS": "tests.faults.ledger",
            "PYTHONUNBUFFERED": "1",
            # All viewers come from one address here, and back at once after a fault.
            "TICKWALL_SOCKETS_PER_ADDRESS": "2000",
            "TICKWALL_SOCKETS_WAITING": "2000",
            "TICKWALL_HANDSHAKES_PER_SECOND": "1000",
            "TICKWALL_HANDSHAKES_BURST": "2000",
            "DATABASE_URL": self.postgres.url if self.postgres else f"sqlite:///{folder / 'site.sqlite3'}",
            "REDIS_URL": self.redis.url if self.redis else "",
            **environment,
        }
        for member in (self.redis, self.postgres):
            if member is not None:
                self.members[member.name] = member
        for number in range(1, (webs if redis else 1) + 1):
            self.members[f"web{number}"] = Web(f"web{number}", folder, self.environment, app)
        for number in range(1, (workers if redis else 0) + 1):
            self.members[f"worker{number}"] = Worker(f"worker{number}", folder, self.environment)

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    @property
    def webs(self) -> list[Web]:
        return [member for member in self.members.values() if isinstance(member, Web)]

    @property
    def workers(self) -> list[Worker]:
        return [member for member in self.members.values() if isinstance(member, Worker)]

    @property
    def urls(self) -> list[str]:
        return [web.url for web in self.webs]

    # --- what happens to members ---

    def kill(self, *names: str) -> None:
        """As a power cut does: the members have no time for anything."""
        for name in names:
            self[name].kill()

    def stop(self, name: str) -> None:
        """Lets a member stand still, with everything that it holds."""
        self[name].send(signal.SIGSTOP)

    def cont(self, name: str) -> None:
        self[name].send(signal.SIGCONT)

    async def term(self, name: str, seconds: float = 15) -> tuple[int, float]:
        """Asks a member to end; returns its exit code and the seconds that it took."""
        return await self[name].term(seconds)

    async def start(self, *names: str) -> None:
        """Starts members, all at the same time, and waits until they work."""
        for name in names:
            self[name].start()
        await asyncio.gather(*(self[name].ready() for name in names))

    async def heal(self) -> None:
        """Brings back whatever a test has left dead or standing still."""
        for member in self.members.values():
            if member.alive:
                member.send(signal.SIGCONT)
        for names in (("redis", "postgres"), [*self.members]):
            await self.start(*(name for name in names if name in self.members and not self[name].alive))

    async def begin(self) -> None:
        await self.start(*(name for name in ("redis", "postgres") if name in self.members))
        origin = int(time.time() * 1000)
        data = DATA.format(sources=self.sources, folder=self.folder, origin=origin, rate=self.rate, series=self.series)
        await asyncio.to_thread(self.manage, "shell", "-v0", "-c", data)
        await self.heal()

    def end(self) -> None:
        for member in self.members.values():
            member.remove()

    # --- what is asked of it ---

    def manage(self, *arguments: str) -> str:
        """Runs a command of the project and returns what it printed."""
        environment = self.members["web1"].environment
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    async def get(self, path: str, web: str = "web1") -> tuple[int, str]:
        member = self[web]
        assert isinstance(member, Web)
        return await asyncio.to_thread(Person(member.url).get, path)

    def read_log(self, slug: str, after: int, until: int | None = None) -> LogCopy:
        """Reads a source's log through the API of the first web process that runs."""
        web = next(web for web in self.webs if web.alive)
        return Site.read_log(Person(web.url), slug, after, until)  # type: ignore[arg-type]  # all it needs is `get`

    def owners(self) -> dict[int, str]:
        """Returns which member holds the lease of which source, by Redis."""
        assert self.redis is not None
        names = {str(member.pid): name for name, member in self.members.items() if member.process is not None}
        owners = {}
        with self.redis.client() as client:
            for key in client.scan_iter("tickwall:{*}:lease"):
                if (held := client.get(key)) is not None:
                    process = held.decode().split(":")[2]
                    owners[int(key.decode().split("{")[1].split("}")[0])] = names.get(process, process)
        return owners

    async def until(self, condition: Any, seconds: float, what: str) -> float:
        """Waits until a condition holds and returns the seconds that took; fails after `seconds`."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {what}"
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def until_shared(self, seconds: float) -> float:
        """Waits until every source has an owner, and the workers that run have about as many each."""
        running = [worker.name for worker in self.workers if worker.alive]
        share = self.sources / len(running)

        def shared() -> bool:
            owners = list(self.owners().values())
            return len(owners) == self.sources and all(abs(owners.count(name) - share) < 1 for name in running)

        return await self.until(shared, seconds, f"{running} share {self.sources} sources: {self.owners()}")

    # --- viewers ---

    @asynccontextmanager
    async def audience(
        self, chance: random.Random, count: int, *, first: bool = False, **options: Any
    ) -> AsyncIterator[list[Resident]]:
        """Yields viewers on all web processes in turn, or on the first one, who see every source tick; they come back
        by themselves."""
        chances = [random.Random(chance.random()) for _ in range(count)]
        turns = [0 if first else number for number in range(count)]
        found = [Resident(self.urls, turn, own, **options) for turn, own in zip(turns, chances, strict=True)]
        for number, viewer in enumerate(found):
            viewer.name = f"viewer{number}"
        tasks = [asyncio.create_task(viewer.live()) for viewer in found]
        try:
            for viewer in found:
                await self.until(lambda viewer=viewer: viewer.sees(self.sources), 30, "every source ticks")
            yield found
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for viewer in found:
                with contextlib.suppress(OSError):
                    await viewer.close()

    async def assert_ledger(self, viewers: Collection[Resident], *, repeats: int = 0) -> list[Account]:
        """Prints the ledger; 0 holes, 0 overlaps, 0 reordering, 0 unexplained, and the log says the same."""
        return await assert_ledger(self, viewers, repeats)

    # --- what was logged ---

    def mark(self) -> dict[str, int]:
        return {name: len(member.text().encode()) for name, member in self.members.items()}

    def tracebacks(self, mark: dict[str, int] | None = None, *expected: str) -> list[str]:
        """Returns the tracebacks that the project's processes logged, but not those that name something expected."""
        return [
            f"{member.name}: {trace[-1500:]}"
            for member in (*self.webs, *self.workers)
            for trace in _traces(member.text((mark or {}).get(member.name, 0)))
            if not any(word in trace for word in expected)
        ]


_LATER = re.compile(r"\n(?:\d{4}-\d\d-\d\d |\d+\.\d+\.\d+\.\d+:\d+ - - )")


def _traces(log: str) -> list[str]:
    """Returns the tracebacks in a log; an error and what it came from or came after are one."""
    found: list[str] = []
    goes_on = False
    for part in log.split("Traceback (most recent call last)")[1:]:
        body = _LATER.split(part)[0].rstrip()
        if goes_on:
            found[-1] += body
        else:
            found.append(body)
        goes_on = body.endswith(("another exception occurred:", "direct cause of the following exception:"))
    return found


@asynccontextmanager
async def cluster(folder: Path, **options: Any) -> AsyncIterator[Cluster]:
    """Yields a running cluster; shows the ends of its logs when the test fails."""
    it = Cluster(folder, **options)
    try:
        await it.begin()
        yield it
    except BaseException:
        for member in (*it.webs, *it.workers):
            print(f"--- {member.name}\n{member.text()[-3000:]}")
        raise
    finally:
        it.end()
