"""Viewers who come and go, stay away, and change their minds: complete for each of them, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import WebSocketException

from tests.faults.hostile import HELLO, Line, connect
from tests.support.promise import promised
from tests.support.site import Site, site
from tests.support.viewer import Candle, Viewer

# A short log: its memory has reached its level when a test begins.
SHORT_LOG = {"TICKWALL_LOG_SECONDS": "10"}


def figure(it: Site, name: str) -> float:
    """Returns one of the figures of /metrics."""
    lines = it.get("/metrics")[1].splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(name + " ")))


async def open_to_data(viewer: Viewer) -> float:
    """Opens a viewer; returns after how many seconds he was where the log stood then."""
    began = time.monotonic()
    await viewer.open()
    await viewer.until(lambda: viewer.subd)
    (source,) = viewer.subd[-1]["sources"]
    await viewer.until(lambda: viewer.books[source["src"]].seq >= source["seq"], 20)
    return time.monotonic() - began


# --- F34 ---


async def stay_away(it: Site, seconds: float) -> tuple[Viewer, float, int]:
    """Sees some ticks, is away for so long, comes back; returns the viewer, the seconds that the catch-up took, and
    the ticks that it brought."""
    viewer = Viewer(it.url, dashboard="market", rate=0)
    await open_to_data(viewer)
    await viewer.until(lambda: viewer.data_frames > 3)
    await viewer.cut()
    position = viewer.books[1].seq
    await asyncio.sleep(seconds)
    viewer.subd.clear()
    took = await open_to_data(viewer)
    behind = viewer.subd[-1]["sources"][0]["seq"] - position
    await viewer.until(lambda: viewer.data_frames > 10)
    await viewer.close()
    return viewer, took, behind


@pytest.mark.timeout(900)
async def test_f34_away_and_back(tmp_path: Path, full: bool) -> None:
    """Within the log every tick comes, unmerged, and equals the log; beyond it a gap is marked and a snapshot follows.

    Fails when a return is served from the head (a hole), and when what the log no longer has is passed over.
    """
    keep, within, beyond = (180, (30.0, 119.0), 600.0) if full else (10, (2.0, 5.0), 15.0)
    with site(tmp_path, TICKWALL_LOG_SECONDS=str(keep)) as it:
        *recovered, lost = await asyncio.gather(*(stay_away(it, seconds) for seconds in (*within, beyond)))
        for (viewer, took, behind), seconds in zip(recovered, within, strict=True):
            print(f"away for {seconds} s: {behind} ticks in {took:.2f} s")
            assert viewer.subd[-1]["sources"][0]["recovered"] is True
            assert behind >= seconds * 200
            assert took <= max(1.0, behind / 2000)
            (books,) = viewer.books.values()
            viewer.assert_right()
            with promised():
                assert (viewer.errors, books.gaps, books.snaps, books.merged) == ([], [], 1, 0)
                assert books.published == books.covered == books.seq - books.begins
        viewer, _, behind = lost
        (books,) = viewer.books.values()
        source = viewer.subd[-1]["sources"][0]
        with promised():
            assert [gap["why"] for gap in books.gaps] == ["trimmed"]
            (gap,) = books.gaps
            assert (source["recovered"], source["why"]) == (False, "trimmed")
            assert gap["to"] is not None, "until when nothing is known, is said"
            assert books.snaps == 2
            assert books.covered == books.seq - books.begins
            assert books.published == books.covered - (gap["b"] - gap["a"] + 1)
        viewer.assert_right()
        assert behind >= beyond * 200


async def test_f34_what_comes_late_is_what_was(tmp_path: Path) -> None:
    """The candles of one who was away equal the log's, tick by tick."""
    with site(tmp_path) as it:
        viewer, _, behind = await stay_away(it, 9)
        (books,) = viewer.books.values()
        log = await asyncio.to_thread(it.read_log, "market", books.begins, books.seq)
        expected: dict[tuple[int, int], Candle] = {}
        for series, moment, value, volume in log.ticks:
            expected.setdefault((series, moment // 1000), Candle()).fold(1, value, value, value, value, volume)
        assert behind >= 2000
        with promised():
            assert log.seqs == list(range(books.begins + 1, books.seq + 1))
            assert {key: (one.count, one.open, one.high, one.low, one.last) for key, one in books.candles.items()} == {
                key: (one.count, one.open, one.high, one.low, one.last) for key, one in expected.items()
            }


# --- F35 ---


# Seconds for which they stay each time.
STAY = (0.2, 2.0)
# While the process warms up they hurry: what counts then is how many sockets there have been.
HURRY = (0.1, 0.5)


async def come_and_go(viewer: Viewer, chance: random.Random, cycles: int, stay: tuple[float, float]) -> None:
    for _ in range(cycles):
        try:
            await viewer.open()
        except (OSError, WebSocketException):
            continue  # a busy server gives a handshake up after 5 s; whoever wants to see something comes again
        await asyncio.sleep(chance.uniform(*stay))
        if chance.random() < 0.5:
            await viewer.cut()
        else:
            await viewer.close()


async def test_f35_reconnects_under_load(tmp_path: Path, full: bool, chance: random.Random) -> None:
    """Every ledger is clean after many returns, and the process is as it was: memory, files, tasks.

    Fails when a socket that is gone leaves anything behind (a task that waits for it, its place in the hub).
    """
    # Memory has a level, which the allocator reaches after some thousand sockets of so many viewers at once: 164, 167,
    # 167 and 167 MB after 2,500, 5,000, 7,500 and 10,000.
    count, warm, cycles = (50, 100, 100) if full else (20, 30, 6)
    with site(tmp_path, **SHORT_LOG) as it:
        assert it.process is not None
        process = psutil.Process(it.process.pid)

        async def crowd(cycles: int, stay: tuple[float, float]) -> list[Viewer]:
            found = [Viewer(it.url, dashboard="market", rate=chance.choice([0, 2, 20])) for _ in range(count)]
            chances = [random.Random(chance.random()) for _ in found]
            everybody = zip(found, chances, strict=True)
            await asyncio.gather(*(come_and_go(one, own, cycles, stay) for one, own in everybody))
            return found

        async def stand() -> tuple[int, int, float]:
            await asyncio.sleep(3)
            return it.rss(), process.num_fds(), await asyncio.to_thread(figure, it, "tickwall_loop_tasks")

        await asyncio.sleep(8)
        await crowd(warm, HURRY)
        before = await stand()
        viewers = await crowd(cycles, STAY)
        after = await stand()
        print(f"before {before}, after {after}")
        for viewer in viewers:
            viewer.assert_right()
            assert viewer.errors == []
            (books,) = viewer.books.values()
            with promised():
                assert (books.gaps, books.snaps) == ([], 1)
                assert books.covered == books.published == books.seq - books.begins
        assert after[0] <= before[0] * 1.02
        assert after[1] <= before[1] + 2
        assert after[2] <= before[2] * 1.02 + 2
        assert await asyncio.to_thread(figure, it, "tickwall_viewers") == 0


# --- F38 ---


class Fickle:
    """A viewer who subscribes, changes his mind, and is gone, at any moment and in any order."""

    def __init__(self, it: Site, chance: random.Random, series: int) -> None:
        self.it, self.chance, self.series = it, chance, series
        self.line: Line | None = None

    async def act(self) -> None:
        chance = self.chance
        if self.line is None or self.line.gone:
            self.line = await connect(self.it.url)
            await self.line.say(HELLO)
        deed = chance.randrange(20)
        if deed < 8:
            wish = {"series": sorted(chance.sample(range(1, self.series + 1), chance.randint(1, 5)))}
            if chance.random() < 0.4:
                wish = {"dashboard": chance.choice(["market", "host", "secret", "nothing"])}  # type: ignore[dict-item]
            await self.line.say({"t": "sub", "id": chance.randint(1, 5), "since": {}, "window": 0, **wish})
        elif deed < 15:
            await self.line.say({"t": "unsub", "id": 9, "sub": chance.randint(1, 5)})
        elif deed < 17:
            await self.line.say({"t": "pause", "id": 9, "on": chance.random() < 0.5})
        elif deed < 19:
            await self.line.read_for(0.005)
        else:
            self.leave()

    def leave(self) -> None:
        if self.line is not None:
            self.line.end()
        self.line = None


async def test_f38_subscriptions_that_come_and_go(tmp_path: Path, full: bool, chance: random.Random) -> None:
    """After thousands of random wishes nobody is remembered, and nothing was logged.

    Fails when a socket that is gone is not taken out of the hub (without `leave` at the end of `LiveConsumer`), and
    when a wish of somebody who has left is an exception.
    """
    count, deeds = (20, 250) if full else (20, 40)
    with site(tmp_path, TICKWALL_MESSAGES_PER_SECOND="10000", TICKWALL_MESSAGES_BURST="100000") as it:
        series = int(it.shell("print(Series.objects.filter(source__slug='market').count())"))
        people = [Fickle(it, random.Random(chance.random()), series) for _ in range(count)]

        async def live(one: Fickle) -> None:
            for _ in range(deeds):
                with contextlib.suppress(OSError, WebSocketException, json.JSONDecodeError):
                    await one.act()
            one.leave()

        await asyncio.gather(*(live(one) for one in people))
        began = time.monotonic()
        while (left := [figure(it, "tickwall_watched_sources"), figure(it, "tickwall_viewers")]) != [0, 0]:
            assert time.monotonic() - began < 10, f"sources still watched and viewers still there: {left}"
            await asyncio.sleep(0.2)
        log = it.log.read_text()
        assert "Traceback" not in log
        assert "ERROR" not in log
