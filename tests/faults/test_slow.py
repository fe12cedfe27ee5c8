"""Viewers on slow lines, or with an end that does not read: they cost little, and they see what is new."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.hostile import Line, connect
from tests.support.site import DATA, Site, site
from tests.support.viewer import Viewer

BUSY = """
from dashboard.feeds import registry
feed = registry.kind("simulated")
config = {"symbols": %d, "rate": %d, "seed": 7}
source = DataSource.objects.create(name="Busy", slug="busy", kind="simulated", config=config)
board = Dashboard.objects.create(title="Busy", slug="busy", visibility="public")
panel = Panel.objects.create(dashboard=board, kind="watchlist", title="Busy")
for position, spec in enumerate(feed(feed.Config.model_validate(config)).series()):
    row = Series.objects.create(source=source, key=spec.key, label=spec.label, unit=spec.unit, decimals=spec.decimals)
    PanelSeries.objects.create(panel=panel, series=row, position=position)
"""
# 40,000 ticks a second: a million bytes for who wants every one.
FIREHOSE = BUSY % (400, 100)
# 2,000 ticks a second: 40 KB, four times what the slow lines carry.
MARKET = BUSY % (20, 100)
# A short log: its memory has reached its level when the test begins.
SHORT_LOG = {"TICKWALL_LOG_SECONDS": "10", "TICKWALL_LOG_TICKS": "100000"}


def viewers(it: Site) -> int:
    lines = it.get("/metrics")[1].splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("tickwall_viewers "))))


async def look(it: Site, **fields: Any) -> Line:
    """Connects with next to no room for what is not read yet, and says at once what it wants."""
    line = await connect(it.url, buffer=4096)
    await line.look("busy", **fields)
    return line


async def test_f30_a_viewer_who_reads_nothing(tmp_path: Path, full: bool) -> None:
    """Two viewers read 0 bytes of a topic of 1 MB/s, one of them listens again shortly before the end and is told why.

    Fails without credit: Daphne then keeps everything for them, a megabyte a second each. And without the 30 s in
    `Session.verdict`: they would stay for as long as they answer pings.
    """
    patience = 30 if full else 6
    with site(tmp_path, data=DATA + FIREHOSE, TICKWALL_ACK_SECONDS=str(patience), **SHORT_LOG) as it:
        control = Viewer(it.url, dashboard="market")
        await control.open()
        await asyncio.sleep(20 if full else 14)
        before, calm, received = it.rss(), [*control.ages], control.data_frames
        control.ages.clear()
        began = time.monotonic()
        lines = [await look(it, rate=0) for _ in range(2)]
        growth, left, said = 0, None, None
        while time.monotonic() - began < patience + 8:
            growth = max(growth, it.rss() - before)
            if left is None and await asyncio.to_thread(viewers, it) == 1:
                left = time.monotonic() - began
            if said is None and time.monotonic() - began > patience - 0.5:
                await lines[1].read_for(0.5)
                said = time.monotonic() - began if lines[1].close_code else None
            await asyncio.sleep(0.25)
        assert control.data_frames - received > 50
        print(f"{growth} bytes more, told after {said} s, all gone after {left} s")
        assert growth <= 2_000_000 * len(lines)
        assert said is not None
        assert patience <= said <= patience + 6
        assert lines[1].close_code == lines[1].of("bye")[0]["code"] == 4008
        assert left is not None
        assert patience <= left <= patience + 6
        # In the short form a single hiccup of the machine is one in a hundred frames.
        part = 99 if full else 90
        late = [float(np.percentile(ages, part)) for ages in (calm[len(calm) // 2 :], control.ages)]
        print(f"p{part} of the others: {late[0]:.0f} ms before, {late[1]:.0f} ms meanwhile")
        assert late[1] <= max(500.0, late[0] * 1.2)
        assert late[1] <= late[0] + 100
        control.assert_right()
        assert control.close_code is None
        await control.close()
        for line in lines:
            line.end()


BYTES_A_SECOND = 10_000


async def crawl(line: Line, seconds: float, warm: float) -> tuple[list[float], dict[str, int]]:
    """Reads at 10 KB/s, acknowledges once a second what it has read; returns how old the newest value on show was at
    any time after `warm` seconds, and its books."""
    began = time.monotonic()
    ages: list[float] = []
    books = {"begins": 0, "seq": 0, "covered": 0, "published": 0, "rows": 0}
    shown, token, acked = 0, None, began
    while (now := time.monotonic()) - began < seconds:
        due = int((now - began) * BYTES_A_SECOND) - line.taken
        if due >= 512:
            try:
                async with asyncio.timeout(0.05):
                    assert await line.read(due), "the line was cut"
            except TimeoutError:
                pass
        for message in line.messages:
            token = message.get("k", token) if message["t"] in ("d", "snap", "hb") else token
            if message["t"] == "snap":
                books["begins"] = books["seq"] = message["seq"]
            for part in message["d"] if message["t"] == "d" else []:
                rows = part["rows"]
                assert part["a"] == books["seq"] + 1
                assert sum(rows.get("k") or [1] * len(rows["i"])) == part["n"]
                books["covered"] += part["b"] - part["a"] + 1
                books["seq"], books["published"] = part["b"], books["published"] + part["n"]
                books["rows"] += len(rows["i"])
                shown = max(shown, rows["t0"] + rows["t"][-1])
            assert message["t"] not in ("gap", "bye", "err"), message
        line.messages.clear()
        if token is not None and time.monotonic() - acked >= 1:
            await line.say({"t": "ack", "k": token})
            token, acked = None, time.monotonic()
        if shown and now - began > warm:
            ages.append(time.time() - shown / 1000)
        await asyncio.sleep(0.05)
    return ages, books


async def test_f31_a_hundred_slow_readers(tmp_path: Path, full: bool) -> None:
    """Each sees values of the last two seconds, and the counts of the merged rows add up.

    Fails when a line may always hold all of the credit (`Session._learn` does nothing): 256 KiB at 10 KB/s are 26 s.
    """
    count, seconds, warm = (100, 60, 10) if full else (30, 25, 10)
    with site(tmp_path, data=MARKET, **SHORT_LOG) as it:
        control = Viewer(it.url, dashboard="busy")
        await control.open()
        await asyncio.sleep(10)
        before = it.rss()
        control.ages.clear()
        lines = [await look(it) for _ in range(count)]
        found = await asyncio.gather(*(crawl(line, seconds, warm) for line in lines))
        growth = it.rss() - before
        worst = [max(ages) for ages, _ in found]
        print(
            f"{growth} bytes more; newest value at most {max(worst):.2f} s old; an account: {json.dumps(found[0][1])}"
        )
        assert growth <= 60_000_000 * count / 100
        assert max(worst) <= 2
        for _, books in found:
            assert books["covered"] == books["published"] == books["seq"] - books["begins"]
            assert books["published"] > books["rows"] * 1.2, "a slow line gets merged rows"
        assert np.percentile(control.ages, 99 if full else 90) <= 500
        control.assert_right()
        assert control.close_code is None
        await control.close()
        for line in lines:
            line.end()
