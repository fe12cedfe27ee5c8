"""Bad lines: half of one is gone, all are cut at once, or they delay and lose."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.faults.crowd import crowd, fullest_second
from tests.faults.network import Network, Weather, network
from tests.faults.test_clients import figure
from tests.support.promise import promised
from tests.support.site import ROOT, SERVERS, Site, site
from tests.support.viewer import Viewer

NODE = Path(sys.executable).parent / "node"
PAGE = ROOT / "tests" / "faults" / "page.mjs"


class Page:
    """The page's own client under Node; what it says of itself is in `said`."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    async def hear(self, lines: asyncio.StreamReader) -> None:
        while line := await lines.readline():
            self.said.append(json.loads(line))

    @property
    def state(self) -> str:
        return next((line["state"] for line in reversed(self.said) if "state" in line), "")

    @property
    def ledger(self) -> dict[str, int]:
        return next((line for line in reversed(self.said) if "published" in line), {"published": 0})

    async def until(self, condition: Any, seconds: float, what: str) -> float:
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {what}; {self.said[-3:]}"
            await asyncio.sleep(0.02)
        return time.monotonic() - began


@asynccontextmanager
async def page(net: Network) -> AsyncIterator[Page]:
    command = [
        str(NODE),
        "--experimental-websocket",
        "--no-warnings",
        str(PAGE),
        str(net.port),
        net.url,
        "market",
    ]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    assert process.stdin is not None
    found = Page()
    hearing = asyncio.create_task(found.hear(process.stdout))
    try:
        yield found
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 10)
        await hearing


def sockets(it: Site) -> int:
    """Counts the connections that the server's process has on its port."""
    assert it.process is not None
    lines = psutil.Process(it.process.pid).net_connections("tcp")
    return sum(line.laddr.port == it.port and line.status != "LISTEN" for line in lines)


async def test_f33_a_line_of_which_nobody_hears_any_more(tmp_path: Path, full: bool, chance: random.Random) -> None:
    """Nothing passes in either direction, and nobody is told. The page gives up and comes back complete; the server
    lets go of the old socket.

    Fails when either end waits for TCP, which takes its time (15 minutes): the page would stay at its old numbers.
    """
    beat = 10 if full else 2
    silence = 3.5 * beat
    settings = {"TICKWALL_HEARTBEAT_SECONDS": str(beat), "TICKWALL_SILENCE_SECONDS": str(silence)}
    async with network(0, Weather(), chance) as net:
        with site(tmp_path, **settings) as it:
            net.target = it.port
            async with page(net) as page_:
                await page_.until(lambda: page_.ledger["published"] > 200, 20, "the page has data")
                began, before = time.monotonic(), page_.ledger["published"]
                mark = len(page_.said)
                net.fall_silent()
                await page_.until(
                    lambda: (
                        any(line.get("state") == "live" for line in page_.said[mark:])
                        and page_.ledger["published"] > before + 100
                    ),
                    2.5 * beat + 2 + 1,
                    "the page is live again",
                )
                returned = time.monotonic() - began
                await page_.until(
                    lambda: sockets(it) == 1, silence + 2 - returned + 1, "the server has freed the socket"
                )
                freed = time.monotonic() - began
                print(f"live again after {returned:.1f} s, freed after {freed:.1f} s: {page_.ledger}")
                assert returned <= 2.5 * beat + 2
                assert freed <= silence + 2
                assert await asyncio.to_thread(figure, it, "tickwall_viewers") == 1
                ledger = page_.ledger
                with promised():
                    assert [ledger[name] for name in ("unexplained", "duplicates", "gap")] == [0, 0, 0]


# Signs so many people in, each once, and prints their session keys.
CROWD = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
for user in User.objects.bulk_create(User(username=f"guest{number}", password="!") for number in range(%d)):
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    print(session.session_key)
"""


@pytest.mark.parametrize("who", ["nobody", "everybody"])
async def test_f36_all_lines_cut_at_once(tmp_path: Path, full: bool, who: str, monkeypatch: Any) -> None:
    """Hundreds come back together, nobody signed in or each as somebody else: soon, without refusals, complete, and at
    the price of two queries each; of those whom nobody knows, who all ask the same, next to none.

    Fails when every return asks who that is, what he may see and what there is as if nobody had asked before: that is
    two queries for nobody (grants that are not kept), six for somebody (people who are not kept).
    """
    count = 500 if full else 150
    monkeypatch.setitem(SERVERS, "counting", ["-m", "daphne", "-p", "{port}", "tests.faults.counting:application"])
    # Every minute all are asked for again in any case, which would be counted for those who come back just then.
    with site(tmp_path, "counting", TICKWALL_RECHECK_SECONDS="600") as it:
        cookies = []
        if who == "everybody":
            keys = await asyncio.to_thread(it.shell, "from django.contrib.auth.models import User\n" + CROWD % count)
            cookies = [f"sessionid={key}" for key in keys.split()]
        async with crowd([it.url], count, dashboard="market", rate=2, cookies=cookies) as viewers:
            await asyncio.sleep(2)
            before, asked = await viewers.ask(), int(it.get("/queries")[1])
            began = time.monotonic()
            await viewers.ask("cut")
            await asyncio.sleep(0.2)
            await viewers.until_live(15)
            took = time.monotonic() - began
            seen, queries = await viewers.ask(), int(it.get("/queries")[1]) - asked
            opened, refused = seen["opened"] - before["opened"], seen["refused"] - before["refused"]
            print(
                f"{opened} came back in {took:.1f} s, {refused} refused, {queries / opened:.2f} queries each;", end=" "
            )
            print(f"{fullest_second(seen['returns']):.0%} in the fullest second")
            assert opened == len(seen["returns"]) == count
            assert took <= 15
            assert refused <= 0.01 * count
            assert queries <= (2 if cookies else 0.5) * opened
            with promised():
                assert (seen["wrong"], seen["gap"]) == ([], 0)
                assert all(recovered for _, _, recovered in seen["returns"])
            assert seen["codes"] == []


async def test_f37_a_line_that_delays_and_loses(tmp_path: Path, full: bool, chance: random.Random) -> None:
    """200 ms, give or take 100, in each direction, and 3 % of the pieces sent again: complete, and not late.

    Fails when patience is measured in fractions of a second, and when what was late is sent once more.
    """
    weather = Weather(delay=0.2, jitter=0.1, loss=0.03)
    async with network(0, weather, chance) as net:
        with site(tmp_path) as it:
            net.target = it.port
            viewers = [Viewer(net.url, dashboard="market") for _ in range(10)]
            for viewer in viewers:
                await viewer.open()
            await viewers[-1].until(lambda: viewers[-1].data_frames > 5)
            for viewer in viewers:
                viewer.ages.clear()
            await asyncio.sleep(60 if full else 20)
            ages = [age for viewer in viewers for age in viewer.ages]
            p50, p99 = np.percentile(ages, [50, 99])
            print(f"{net.lost} pieces lost; half of all values within {p50:.0f} ms, 99 % within {p99:.0f} ms")
            for viewer in viewers:
                (books,) = viewer.books.values()
                viewer.assert_right()
                assert (viewer.errors, viewer.byes, viewer.close_code) == ([], [], None)
                with promised():
                    assert books.gaps == []
                    assert books.covered == books.published == books.seq - books.begins
            assert net.lost >= 10
            assert p50 >= 200, "the network is as bad as it should be"
            assert p99 <= 1500
            await asyncio.gather(*(viewer.close() for viewer in viewers))
