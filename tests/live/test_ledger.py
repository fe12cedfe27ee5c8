"""Sixty seconds of a market, seen by viewers to whom everything happens at once, held against the log."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.support.promise import promised
from tests.support.site import LogCopy, Site, site
from tests.support.viewer import Candle, Viewer

SECONDS = 60
CUTS = 20


async def cut_at_random(viewer: Viewer) -> None:
    """Twenty cuts at random moments, each with a random absence."""
    chance = random.Random(viewer.url + str(viewer.rate))
    await viewer.open()
    for _ in range(CUTS):
        await asyncio.sleep(chance.uniform(0.2, 2 * SECONDS / CUTS * 0.6))
        await viewer.cut()
        await asyncio.sleep(chance.uniform(0, SECONDS / CUTS * 0.6))
        await viewer.open()


async def stall(viewer: Viewer) -> None:
    """Acknowledges nothing for twenty seconds, then goes on."""
    await viewer.open()
    await asyncio.sleep(10)
    viewer.acks = False
    await asyncio.sleep(20)
    viewer.acks = True
    await viewer.ack()
    await asyncio.sleep(SECONDS - 32)


async def hold(viewer: Viewer) -> None:
    """Is held for thirty seconds."""
    await viewer.open()
    await asyncio.sleep(10)
    await viewer.send({"t": "pause", "id": viewer.request(), "on": True})
    await asyncio.sleep(1)
    held_at = viewer.data_frames
    await asyncio.sleep(29)
    assert viewer.data_frames == held_at, "data came while the viewer was held"
    position = next(iter(viewer.books.values())).seq
    assert next(iter(viewer.heads.values()))[1] > position, "the heartbeat must go on telling the head"
    await viewer.send({"t": "pause", "id": viewer.request(), "on": False})
    await asyncio.sleep(SECONDS - 42)


async def hide(viewer: Viewer) -> None:
    """Is a hidden tab for thirty seconds."""
    await viewer.open()
    await asyncio.sleep(10)
    await viewer.send({"t": "set", "id": viewer.request(), "visible": False})
    await asyncio.sleep(1)
    hidden_at = viewer.data_frames
    await asyncio.sleep(29)
    assert viewer.data_frames == hidden_at, "data came to a hidden tab"
    await viewer.send({"t": "set", "id": viewer.request(), "visible": True})
    await asyncio.sleep(SECONDS - 42)


CAST: dict[str, tuple[float | None, Callable[[Viewer], Awaitable[None]]]] = {
    "cut twenty times": (None, cut_at_random),
    "cut twenty times at 2 Hz": (2, cut_at_random),
    "cut twenty times, every tick": (0, cut_at_random),
    "stalled for 20 s": (None, stall),
    "held for 30 s": (None, hold),
    "hidden for 30 s": (None, hide),
}


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, Viewer]]]:
    """All viewers live through the same sixty seconds."""
    with site(tmp_path_factory.mktemp("ledger")) as market:
        viewers = {name: Viewer(market.url, dashboard="market", rate=rate) for name, (rate, _) in CAST.items()}

        # Who comes before the first tick gets two snapshots: that there is nothing yet, and what there is.
        while not market.read_log("market").head:
            time.sleep(0.05)

        async def live() -> None:
            await asyncio.gather(*(CAST[name][1](viewer) for name, viewer in viewers.items()))
            for viewer in viewers.values():
                # To the head of this moment, so that the last range is covered as well.
                await viewer.until(lambda viewer=viewer: not viewer.wrong and viewer.data_frames, 5)
                await viewer.close()

        asyncio.run(live())
        yield market, viewers


def candles_of(log: LogCopy) -> dict[tuple[int, int], Candle]:
    candles: dict[tuple[int, int], Candle] = {}
    for series, at, value, volume in log.ticks:
        candle = candles.setdefault((series, at // 1000), Candle())
        candle.fold(1, value, value, value, value, volume)
    return candles


@pytest.mark.parametrize("name", CAST)
def test_what_a_viewer_saw_equals_the_log(minute: tuple[Site, dict[str, Viewer]], name: str) -> None:
    market, viewers = minute
    viewer = viewers[name]
    (books,) = viewer.books.values()

    viewer.assert_right()
    assert viewer.errors == []
    assert viewer.byes == []
    with promised():
        assert books.gaps == [], "nothing was out of the log's reach"
        assert books.snaps == 1, "whoever comes back with a position needs no snapshot"
        assert books.covered == books.seq - books.begins

    log = market.read_log("market", after=books.begins, until=books.seq)
    with promised():
        assert log.epoch == books.epoch
        assert log.seqs == list(range(books.begins + 1, books.seq + 1))
        assert books.published == len(log.ticks) == books.shown + books.merged
    assert books.published > SECONDS * 24 * 10 * 0.8, "the market must really have ticked"

    with promised():
        assert_same(books.candles, candles_of(log))


def assert_same(seen: dict[tuple[int, int], Candle], expected: dict[tuple[int, int], Candle]) -> None:
    assert seen.keys() == expected.keys()
    for key, candle in expected.items():
        one = seen[key]
        assert (one.count, one.high, one.low, one.last) == (candle.count, candle.high, candle.low, candle.last), key
        assert one.open == candle.open, key
        assert one.volume == pytest.approx(candle.volume), key


def test_at_rate_0_no_row_is_merged(minute: tuple[Site, dict[str, Viewer]]) -> None:
    (books,) = minute[1]["cut twenty times, every tick"].books.values()
    assert books.merged == books.merged_rows == 0


def test_at_2_hz_rows_are_merged_and_frames_are_few(minute: tuple[Site, dict[str, Viewer]]) -> None:
    viewer = minute[1]["cut twenty times at 2 Hz"]
    (books,) = viewer.books.values()
    assert books.merged > books.published / 2
    # Two a second, one more for each return, and the whole ranges with a heartbeat.
    assert viewer.counts["d"] <= 2 * SECONDS + 2 * CUTS + 10


def test_credit_is_never_exceeded(minute: tuple[Site, dict[str, Viewer]]) -> None:
    viewer = minute[1]["stalled for 20 s"]
    frames, size = viewer.unacked_most
    assert frames <= viewer.hello["lim"]["frames"]
    assert size <= viewer.hello["lim"]["bytes"]
    assert frames > 16, "the stall must have been felt"


def test_a_stalled_viewer_costs_the_server_less_than_a_megabyte(tmp_path: Path) -> None:
    stalled = 20
    with site(tmp_path) as market:

        async def run() -> float:
            calm = Viewer(market.url, dashboard="market", window=60)
            await calm.open()
            await asyncio.sleep(8)
            before = market.rss()
            viewers = [Viewer(market.url, dashboard="market", window=60, acks=False) for _ in range(stalled)]
            for viewer in viewers:
                await viewer.open()
            await asyncio.sleep(20)
            growth = market.rss() - before
            assert all(viewer.close_code is None for viewer in viewers)
            calm.assert_right()
            for viewer in [calm, *viewers]:
                await viewer.close()
            return growth

        assert asyncio.run(run()) < stalled * 1_000_000
