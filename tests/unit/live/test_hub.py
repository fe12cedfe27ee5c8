"""Tests the hub: no tick is lost with a doorbell, no viewer pays for another, nobody is remembered who has left."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import pytest

from dashboard.live import hub as hub_module
from dashboard.live.hub import Hub
from dashboard.protocol import doorbell
from dashboard.protocol.control import LIVE_CONTROL, live_look
from dashboard.protocol.messages import SourceState
from tests.unit.live.desk import Desk, Hall
from tests.unit.live.world import LIMITS, Clock


def bell(*sources: int) -> dict[str, Any]:
    return {"type": doorbell.TICKS, "sources": list(sources)}


# --- the doorbell ---


async def test_a_doorbell_brings_the_ticks_at_once(living_hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "ROUND", 600.0)
    socket = await living_hall.socket()
    await socket.subscribe()
    living_hall.run(living_hall.hub.follow())
    living_hall.run(living_hall.hub.listen())
    await living_hall.until(lambda: living_hall.layer.groups.get("ticks.0"))
    await living_hall.settle()
    await living_hall.publish()
    await living_hall.layer.group_send("ticks.0", bell(1))
    begun = time.monotonic()
    await living_hall.until(lambda: socket.kinds()[-1] == "d")
    assert time.monotonic() - begun < 0.5


async def test_a_lost_doorbell_is_made_good_by_the_round(living_hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "ROUND", 0.03)
    socket = await living_hall.socket()
    await socket.subscribe()
    living_hall.run(living_hall.hub.follow())
    await living_hall.publish(count=3)
    await living_hall.until(lambda: "d" in socket.kinds())
    assert socket.said[-1]["d"][0]["n"] == 3


async def test_the_round_comes_even_when_the_doorbell_never_stops(
    living_hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "ROUND", 0.05)
    socket = await living_hall.socket()
    await socket.subscribe()
    living_hall.run(living_hall.hub.follow())
    await living_hall.publish()

    async def ring() -> None:
        while True:
            living_hall.hub.hear(bell(2))
            await asyncio.sleep(0)

    living_hall.run(ring())
    await living_hall.until(lambda: "d" in socket.kinds())


async def test_nonsense_on_the_layer_is_dropped(hall: Hall) -> None:
    for message in ({}, {"type": "x"}, {"type": None}, {"type": "live.look"}, {"type": doorbell.STATES}):
        hall.hub.hear(message)
    hall.hub.hear(bell(404, 1))


async def test_the_hub_leaves_its_groups_when_it_ends(living_hall: Hall) -> None:
    listening = living_hall.run(living_hall.hub.listen())
    await living_hall.until(lambda: living_hall.layer.groups.get(LIVE_CONTROL))
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert not any(living_hall.layer.groups.values())


async def test_a_viewer_whose_time_comes_between_two_doorbells_is_served_by_the_timer(
    living_hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "ROUND", 600.0)
    socket = await living_hall.socket()
    await socket.say({"t": "set", "id": 2, "rate": 5})
    await socket.subscribe()
    living_hall.run(living_hall.hub.follow())
    await living_hall.publish()
    living_hall.hub.hear(bell(1))
    await living_hall.settle()
    assert "d" not in socket.kinds(), "before his time"
    await living_hall.until(lambda: "d" in socket.kinds(), 1.0)


# --- many viewers ---


async def test_a_connection_that_fails_hurts_no_other(
    hall: Hall, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets = [await hall.socket() for _ in range(5)]
    for socket in sockets:
        await socket.subscribe()

    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(sockets[2].connection.session, "serve", fail)
    clock.now += 1
    await hall.publish()
    hall.hub.advancer.heads_moved()
    hall.hub._advance_watchers([1])
    await hall.settle()
    for socket in (*sockets[:2], *sockets[3:]):
        assert socket.kinds()[-1] == "d"
    assert sockets[2].said[-1]["code"] == sockets[2].closed == 4004
    assert sockets[2].connection not in hall.hub.connections


async def test_viewers_who_look_at_the_same_get_the_same_bytes(hall: Hall, clock: Clock) -> None:
    sockets = [await hall.socket() for _ in range(10)]
    for socket in sockets:
        await socket.subscribe()
    for _ in range(3):
        await hall.publish()
        hall.hub.advancer.heads_moved()
        hall.hub._advance_watchers([1])
        clock.now += 1
        await hall.settle()
    assert len({socket.said[-1]["k"] for socket in sockets}) == 1
    assert len({id(socket._messages[-1]["text"]) for socket in sockets}) == 1


async def test_nobody_is_remembered_after_five_thousand_looks_and_leaves(hall: Hall) -> None:
    dice = random.Random(5)
    sockets = [await hall.socket(greet=False) for _ in range(20)]
    for _ in range(5000):
        socket = dice.choice(sockets)
        if dice.random() < 0.01:
            hall.hub.leave(socket.connection)
            hall.hub.enter(socket.connection)
        else:
            hall.hub.look(socket.connection, dice.sample(range(1, 30), dice.randrange(6)))
        watching = {source for one in sockets for source in one.connection.watched}
        assert set(hall.hub._watchers) == watching
    for socket in sockets:
        hall.hub.leave(socket.connection)
        hall.hub.leave(socket.connection)
        hall.hub.look(socket.connection, [1, 2, 3])
    assert hall.hub._watchers == {}
    assert hall.hub.connections == set()


async def test_who_leaves_while_his_rights_are_looked_up_is_not_watched_for(hall: Hall, desk: Desk) -> None:
    socket = await hall.socket()
    await socket.subscribe()
    desk.boards["board"] = ((11, 1), (21, 2))
    hall.hub.rights_changed()
    desk.meanwhile = lambda: hall.hub.leave(socket.connection)
    await socket.connection.review(set())
    assert hall.hub._watchers == {}
    other = await hall.socket()
    hall.hub.rights_changed()
    desk.meanwhile = lambda: hall.hub.leave(other.connection)
    await other.subscribe()
    assert hall.hub._watchers == {}


# --- once a second ---


async def test_heartbeats_go_out_every_ten_seconds_and_name_only_heads_that_were_served(
    hall: Hall, clock: Clock
) -> None:
    socket = await hall.socket()
    await socket.subscribe()
    await socket.ack()
    for beat in range(1, 6):
        clock.now += 10
        hall.hub._look_after()
        await hall.settle()
        assert socket.kinds()[-1] == "hb"
        assert socket.said[-1]["pos"]["1"][1] == max((m["d"][-1]["b"] for m in socket.said if m["t"] == "d"), default=0)
        await socket.ack()
        # The doorbell for this one is still on its way when the next heartbeat is due.
        await hall.publish(series=11 if beat % 2 else 99)
    clock.now += 9.9
    before = len(socket.said)
    hall.hub._look_after()
    await hall.settle()
    assert len(socket.said) == before


async def test_whose_time_is_up_hears_why_and_is_forgotten(hall: Hall, clock: Clock) -> None:
    silent, mute = await hall.socket(), await hall.socket(greet=False)
    await silent.subscribe()
    clock.now += 5
    hall.hub._look_after()
    await hall.settle()
    assert (mute.said[-1]["code"], mute.closed) == (4502, 4502)
    for _ in range(31):
        clock.now += 1
        hall.hub._look_after()
    await hall.settle()
    assert (silent.said[-1]["code"], silent.closed) == (4008, 4008)
    assert hall.hub.connections == set()
    assert hall.hub._watchers == {}


async def test_a_state_is_told_once_and_only_to_who_looks_at_the_source(hall: Hall, desk: Desk) -> None:
    desk.boards["other"] = ((21, 2),)
    here, there = await hall.socket(), await hall.socket()
    await here.subscribe()
    await there.subscribe(dashboard="other")
    down = SourceState("down", 5, 4, 0.0, "HTTP 503")
    for _ in range(3):
        hall.hub._tell_states({1: down})
    await hall.settle()
    assert [m for m in here.said if m["t"] == "st"] == [
        {"t": "st", "src": 1, "state": "down", "since": 5, "last": 4, "hz": 0.0, "msg": "HTTP 503"}
    ]
    assert "st" not in there.kinds()


# --- rights ---


async def test_a_message_makes_the_hub_ask_again_at_once(living_hall: Hall, desk: Desk) -> None:
    socket = await living_hall.socket()
    await socket.subscribe()
    living_hall.run(living_hall.hub.review())
    await living_hall.settle()
    desk.boards.clear()
    living_hall.hub.hear(dict(live_look("rights")))
    await living_hall.until(lambda: socket.closed == 4503)
    assert socket.said[-1]["resume"] is False
    assert living_hall.hub._watchers == {}


async def test_a_check_that_fails_leaves_the_others_checked(
    living_hall: Hall, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets = [await living_hall.socket() for _ in range(4)]
    for socket in sockets:
        await socket.subscribe()

    async def fail(changed: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(sockets[1].connection, "review", fail)
    living_hall.run(living_hall.hub.review())
    desk.boards.clear()
    living_hall.hub.hear(dict(live_look("rights")))
    await living_hall.until(lambda: [socket.closed for socket in sockets] == [4503, None, 4503, 4503])


async def test_rights_are_asked_again_every_now_and_then_without_any_message(desk: Desk) -> None:
    hall = Hall(desk, LIMITS, time.monotonic, time.time)
    hall.hub = Hub(hall.log, hall.layer, LIMITS, recheck_seconds=0.03)
    try:
        socket = await hall.socket()
        await socket.subscribe()
        hall.run(hall.hub.review())
        desk.proven = False
        await hall.until(lambda: socket.closed == 4500)
    finally:
        await hall.close()


# --- the end ---


async def test_a_drain_says_goodbye_to_everybody_and_spreads_it(living_hall: Hall) -> None:
    sockets = [await living_hall.socket() for _ in range(50)]
    for socket in sockets:
        await socket.subscribe()
    closed: list[int] = []
    draining = living_hall.run(living_hall.hub.drain(0.3))
    while not draining.done():
        await asyncio.sleep(0.01)
        closed.append(sum(socket.closed == 4001 for socket in sockets))
    assert closed[-1] == 50
    assert len(set(closed)) > 2, "all at once"
    assert all(socket.said[-1]["t"] == "bye" and socket.said[-1]["resume"] for socket in sockets)
    assert living_hall.hub.draining
    assert living_hall.hub.connections == set()


@pytest.mark.parametrize(("viewers", "seconds"), [(0, 8.0), (3, 0.0), (1, 0.05), (200, 0.2)])
async def test_a_drain_takes_no_longer_than_allowed_and_leaves_nobody(
    living_hall: Hall, viewers: int, seconds: float
) -> None:
    sockets = [await living_hall.socket(greet=False) for _ in range(viewers)]
    begun = time.monotonic()
    await living_hall.hub.drain(seconds)
    assert time.monotonic() - begun < seconds + 0.5
    await living_hall.settle()
    assert all(socket.closed == 4001 for socket in sockets)
