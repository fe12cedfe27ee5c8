"""Holds the counterpart of the kind `webhook`: what requests put into the inbox, which is in a Redis of its own."""

from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace
from typing import Any

from dashboard.feeds.base import Inbox, SourceSpec
from dashboard.feeds.limits import Limits
from dashboard.feeds.pushed import Refused, Target
from dashboard.ingest.inlet import Inlet
from dashboard.ticklog.base import Lease
from dashboard.ticklog.redis_inbox import RedisInbox
from tests.support.services import redis_server
from tests.unit.feeds.kinds.contract import SECRET
from tests.unit.feeds.kinds.stores import _Server


class WebhookCounterpart(_Server):
    """Goes away as the inbox does, with its Redis; the senders are those who hear of it."""

    kind = "webhook"
    # What is wrong with a request is said to its sender, and nothing of it is taken.
    tells_garbage = False
    # The inlet waits for the inbox, and the feed for the inlet; that Redis is away is said of the log.
    notices_absence = False
    exempt = {
        "test_it_waits_for_a_counterpart_that_is_not_there_yet": "The feed waits without trying anything that could "
        "fail: nobody has to send anything, and who could not send was told so."
    }

    def run(self) -> Any:
        return redis_server(self.port)

    async def start(self) -> None:
        await super().start()
        if not hasattr(self, "inbox"):
            self.inbox = RedisInbox(f"redis://127.0.0.1:{self.port}/0", 16_777_216)
            config = {name: value for name, value in self.config().items() if name != "secret"}
            spec = SourceSpec(1, "push", self.kind, config, 1.0, secrets={"secret": SECRET})
            self.target = Target(spec, Limits(), most_ticks=1000)
            assert self.target.why_not == ""
            # The part of the pipeline that an inlet asks: what was given is in the log at once.
            pipeline: Any = SimpleNamespace(
                leases={1: Lease(1, 1, "test")},
                offered=lambda source: self.taken(),
                written=lambda source: self.taken(),
            )
            self.inlet = Inlet(self.inbox, pipeline, 1)

    async def stop(self) -> None:
        await super().stop()
        await self.inbox.close()

    def config(self) -> dict[str, Any]:
        return {"body": "json", "series": [{"path": "a"}], "secret": SECRET}

    def inbox_of(self, source: int) -> Inbox:
        return self.inlet.begin()

    async def give(self, value: float) -> None:
        await self.babble(f'{{"a": {value}}}')

    async def babble(self, text: str) -> None:
        with contextlib.suppress(Refused):
            taken = self.target.take(text.encode(), time.time_ns() // 1_000_000)
            await self.inbox.put(1, taken.content)
