"""Holds many viewers in one process, so that all servers meet the same load. Answers lines on standard input.

mark    prints the tally so far, with this process's own CPU time, so that it can be seen not to be the bottleneck
cut     ends all connections at once and opens each anew within a second; prints how long each took to be live
end     ends
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time

import uvloop

from bench.viewers import KINDS, OurViewer, Plan, Tally, Viewer

# Connections that are being opened at the same time.
AT_ONCE = 50
# Moments of a second over which acknowledgements are spread, as those of real viewers are.
SPREAD = 20


class Crowd:
    """All viewers of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tally = Tally()
        self.viewers: list[Viewer] = []

    async def open(self) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> Viewer:
            async with gate:
                viewer = await self.connect(number)
                await viewer.stands.wait()
                return viewer

        if KINDS[self.plan.talk].handshake:
            self.viewers = await asyncio.gather(*(one(number) for number in range(self.plan.viewers)))
        else:
            self.viewers = [await self.connect(number) for number in range(self.plan.viewers)]

    async def connect(self, number: int, before: OurViewer | None = None) -> Viewer:
        def make() -> Viewer:
            if self.plan.talk == "ours":
                return OurViewer(self.plan, number, self.tally, before)
            return KINDS[self.plan.talk](self.plan, number, self.tally)

        _, viewer = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", self.plan.port)
        return viewer

    async def attend(self) -> None:
        while True:
            for part in range(SPREAD):
                for number in range(part, len(self.viewers), SPREAD):
                    if not self.viewers[number].gone:
                        self.viewers[number].ack()
                    elif not self.plan.stalled:
                        # Counted as lost; the load stays what it is.
                        self.viewers[number] = await self.connect(number)
                await asyncio.sleep(1 / SPREAD)

    async def cut(self) -> list[float]:
        """Returns the seconds from the cut until each viewer had data again, in ascending order."""
        before, self.viewers, began = self.viewers, [], time.monotonic()
        for viewer in before:
            viewer.transport.abort()

        async def again(number: int) -> tuple[Viewer, float]:
            # As the page does: the first try comes within a second.
            await asyncio.sleep(random.random())
            old = before[number]
            viewer = await self.connect(number, old if isinstance(old, OurViewer) else None)
            await viewer.live.wait()
            return viewer, float("inf") if viewer.gone else time.monotonic() - began

        done = await asyncio.gather(*(again(number) for number in range(self.plan.viewers)))
        self.viewers = [viewer for viewer, _ in done]
        return sorted(took for _, took in done)

    def mark(self) -> dict[str, object]:
        ages, self.tally.ages = self.tally.ages, []
        cpu = sum(os.times()[:2])
        return {**vars(self.tally), "ages": ages, "cpu": cpu, "wall": time.monotonic()}


async def run(plan: Plan) -> None:
    crowd = Crowd(plan)
    await crowd.open()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    attending = asyncio.create_task(crowd.attend())
    while (line := (await reader.readline()).strip()) not in (b"end", b""):
        answer: object = await crowd.cut() if line == b"cut" else crowd.mark()
        print(json.dumps(answer), flush=True)
    attending.cancel()


if __name__ == "__main__":
    uvloop.run(run(Plan(**json.loads(sys.argv[1]))))
