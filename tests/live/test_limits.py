"""One socket too many is told so and sent away; those that are there stay as they are."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from websockets.asyncio.client import connect

from tests.support.site import ROOT, Person, Site, site
from tests.support.viewer import SUBPROTOCOL, Viewer

PER_ADDRESS, PER_USER = settings.TICKWALL_SOCKETS_PER_ADDRESS, settings.TICKWALL_SOCKETS_PER_USER
WAITING = settings.TICKWALL_SOCKETS_WAITING
PER_SECOND, BURST = settings.TICKWALL_HANDSHAKES_PER_SECOND, settings.TICKWALL_HANDSHAKES_BURST


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the limits as they are set by default, behind a trusted proxy, whose part the tests play."""
    folder = tmp_path_factory.mktemp("limits")
    limits = {
        "TICKWALL_SOCKETS_PER_ADDRESS": str(PER_ADDRESS),
        "TICKWALL_SOCKETS_WAITING": str(WAITING),
        "TICKWALL_HANDSHAKES_PER_SECOND": str(PER_SECOND),
        "TICKWALL_HELLO_SECONDS": "10",
    }
    with site(folder, TICKWALL_TRUSTED_PROXIES="127.0.0.1", **limits) as it:
        yield it


def viewer(it: Site, address: str, **headers: str) -> Viewer:
    return Viewer(it.url, dashboard="market", headers={"X-Forwarded-For": f"6.6.6.6, {address}", **headers})


async def enter(it: Viewer) -> Viewer:
    """Opens a viewer and waits until he has data, or was sent away."""
    await it.open()
    await it.until(lambda: it.data_frames or it.close_code)
    return it


async def close(found: list[Viewer]) -> None:
    for one in found:
        await one.close()


def assert_refused(one: Viewer, words: str) -> None:
    (bye,) = one.byes
    assert (one.close_code, bye["code"], bye["retry"]) == (4029, 4029, [30_000, 60_000])
    assert words in bye["msg"]
    assert one.counts["hello"] == 0


def assert_untouched(found: list[Viewer]) -> None:
    for one in found:
        one.assert_right()
        assert (one.close_code, one.byes) == (None, [])


async def test_f47_the_fifty_first_socket_of_an_address(limited: Site) -> None:
    """Fails when addresses are not counted, when a place is not given back, and when an older one has to make way."""
    found = [await enter(viewer(limited, "192.0.2.1")) for _ in range(PER_ADDRESS)]
    one_too_many = await enter(viewer(limited, "192.0.2.1"))
    assert_refused(one_too_many, f"{PER_ADDRESS} live connections from your address")
    neighbour = await enter(viewer(limited, "192.0.2.2"))
    assert_untouched([*found, neighbour])

    await found.pop().close()
    await asyncio.sleep(0.2)
    found.append(await enter(viewer(limited, "192.0.2.1")))
    assert_untouched(found)
    await close([*found, neighbour])


async def test_f47_the_twenty_first_socket_of_a_user(limited: Site) -> None:
    """Each from another address. Fails when `Seat.greet` does not count who it is."""
    cookies = Person(limited.url).sign_in("ben", "ben likes numbers").cookie_header
    found = [await enter(viewer(limited, f"192.0.2.{100 + number}", **cookies)) for number in range(PER_USER)]
    assert_refused(await enter(viewer(limited, "192.0.2.200", **cookies)), f"You have {PER_USER} live connections")
    nobody = await enter(viewer(limited, "192.0.2.200"))
    assert_untouched([*found, nobody])

    await found.pop().close()
    await asyncio.sleep(0.2)
    found.append(await enter(viewer(limited, "192.0.2.201", **cookies)))
    assert_untouched(found)
    await close([*found, nobody])


async def test_a_burst_of_handshakes_is_forgiven_and_a_flood_is_not(tmp_path: Path) -> None:
    """Nothing else is counted here. Fails when handshakes are not: with TICKWALL_HANDSHAKES_PER_SECOND=0."""
    # One a second, not as many as the setting says: on a busy machine the flood takes seconds, and would be none.
    with site(tmp_path, TICKWALL_TRUSTED_PROXIES="127.0.0.1", TICKWALL_HANDSHAKES_PER_SECOND="1") as it:
        began = time.monotonic()
        flood = [viewer(it, "192.0.2.50") for _ in range(BURST + 30)]
        await asyncio.gather(*(one.open() for one in flood))
        took = time.monotonic() - began
        for one in flood:
            await one.until(lambda one=one: one.data_frames or one.close_code)
        refused = [one for one in flood if one.close_code is not None]
        print(f"{len(refused)} of {len(flood)} were refused in {took:.1f} s")
        assert 30 - took - 1 <= len(refused) <= 30
        assert refused
        for one in refused:
            assert_refused(one, "at once")
        neighbour = await enter(viewer(it, "192.0.2.51"))
        assert_untouched([neighbour, *(one for one in flood if one.close_code is None)])
        # A second later he may have another one.
        await asyncio.sleep(1.2)
        late = await enter(viewer(it, "192.0.2.50"))
        assert_untouched([late])
        await close([*flood, neighbour, late])


async def test_sockets_that_say_nothing_are_few(limited: Site) -> None:
    headers = {"X-Forwarded-For": "192.0.2.60"}
    address = limited.url.replace("http", "ws") + "/ws/live/"
    mute = [
        await connect(address, origin=limited.url, subprotocols=[SUBPROTOCOL], additional_headers=headers)  # type: ignore[arg-type, list-item]
        for _ in range(WAITING + 1)
    ]
    await asyncio.wait_for(mute[-1].wait_closed(), 2)
    assert mute[-1].close_code == 4029
    assert all(one.close_code is None for one in mute[:-1])
    await asyncio.gather(*(asyncio.wait_for(one.wait_closed(), 15) for one in mute))
    assert {one.close_code for one in mute[:-1]} == {4502}
    await asyncio.sleep(0.2)
    await close([await enter(viewer(limited, "192.0.2.60"))])


async def test_the_limit_of_the_process_and_a_header_that_nobody_vouches_for(tmp_path: Path) -> None:
    with site(tmp_path, TICKWALL_SOCKETS_PER_PROCESS="3", TICKWALL_SOCKETS_PER_ADDRESS="2") as it:
        found = [await enter(viewer(it, f"192.0.2.{number}")) for number in range(2)]
        assert_refused(await enter(viewer(it, "192.0.2.9")), "from your address")
        found.append(await enter(Viewer("http://localhost:" + str(it.port), dashboard="market")))  # still 127.0.0.1
        assert found[-1].close_code == 4029
        assert_untouched(found[:2])
        assert it.log.read_text().count("sockets were refused") == 1, "a line a minute"
        await close(found)
        it.stop()
        it.environment["TICKWALL_SOCKETS_PER_ADDRESS"] = "0"
        it.start()
        found = [await enter(viewer(it, "192.0.2.1")) for _ in range(3)]
        assert_refused(await enter(viewer(it, "192.0.2.9")), "as many connections as it takes")
        assert_untouched(found)
        await close(found)


def test_a_proxy_that_is_none_stops_the_start(tmp_path: Path) -> None:
    it = Site(tmp_path, TICKWALL_TRUSTED_PROXIES="proxy.example")
    command = [sys.executable, "-m", "daphne", "-p", str(it.port), "config.asgi:application"]
    done = subprocess.run(
        command, cwd=ROOT, env=it.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "'proxy.example' in TICKWALL_TRUSTED_PROXIES" in done.stderr
