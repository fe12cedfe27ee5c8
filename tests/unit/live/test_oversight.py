"""Tests what those are told who look after sources: how each stands, who runs it, who looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from dashboard.live import oversight as oversight_module
from dashboard.protocol.messages import SourceState
from dashboard.ticklog.base import LogUnreachable
from tests.unit.live.desk import Desk, Hall, Socket
from tests.unit.live.world import Clock


async def overseer(hall: Hall, *sources: int, sub: int = 9) -> Socket:
    socket = await hall.socket()
    await socket.say({"t": "sub", "id": sub, "sources": list(sources)})
    return socket


async def a_round(hall: Hall) -> None:
    await hall.hub.oversight.round()
    await hall.settle()


def stats(socket: Socket) -> list[dict[str, Any]]:
    return [message for message in socket.said if message["t"] == "stat"]


async def test_who_looks_after_sources_is_told_their_names_and_states_and_gets_no_ticks(hall: Hall) -> None:
    hall.hub.states[1] = SourceState("down", 5, None, 0.0, "HTTP 503", refused=7)
    socket = await overseer(hall, 1, 2)
    assert socket.kinds() == ["hello", "subd", "st"]
    answer = socket.said[1]
    assert (answer["id"], answer["series"], answer["sources"]) == (9, [], [])
    assert answer["standing"] == [
        {"src": 1, "name": "Source 1", "cadence": 1.0, "enabled": True},
        {"src": 2, "name": "Source 2", "cadence": 1.0, "enabled": True},
    ]
    assert socket.said[2] == {
        "t": "st",
        "src": 1,
        "state": "down",
        "since": 5,
        "last": None,
        "hz": 0.0,
        "msg": "HTTP 503",
    }
    await hall.publish(1, count=5)
    await hall.hub._read({1}, True)
    assert not {"d", "snap"} & set(socket.kinds())
    assert not hall.hub.follows(1), "nobody reads the log of a source only to tell how it stands"


async def test_a_round_tells_what_is_new_and_that_all_is_as_it_was(hall: Hall, clock: Clock) -> None:
    hall.hub.states[1] = SourceState("live", 5, 6, 2.0, "", refused=7)
    await hall.publish(1, count=5)
    socket = await overseer(hall, 1, 2)
    await a_round(hall)
    first, second = stats(socket)[0]["s"]
    epoch = hall.log.ring(1).epoch
    assert first == {"src": 1, "epoch": epoch, "head": 5, "lost": 0, "refused": 7, "worker": "test", "viewers": 0}
    assert (second["src"], second["worker"], second["head"]) == (2, None, 0)
    await a_round(hall)
    assert stats(socket)[1] == {"t": "stat", "now": clock.ms, "s": []}
    await hall.publish(1, count=2)
    await a_round(hall)
    assert [(row["src"], row["head"]) for row in stats(socket)[2]["s"]] == [(1, 7)]


async def test_viewers_are_those_who_get_the_ticks_in_all_processes(hall: Hall, clock: Clock) -> None:
    viewer = await hall.socket()
    await viewer.subscribe()
    socket = await overseer(hall, 1)
    other = {"type": "live.counted", "hub": "another", "counts": [[1, 4]]}
    hall.hub.hear(other)
    await a_round(hall)
    assert stats(socket)[-1]["s"][0]["viewers"] == 5
    clock.now += 4
    await a_round(hall)
    assert stats(socket)[-1]["s"][0]["viewers"] == 1, "the other process has not been heard of since"


async def test_another_process_that_asks_is_answered_on_its_own_channel(living_hall: Hall) -> None:
    hub = living_hall.hub
    viewer = await living_hall.socket()
    await viewer.subscribe()
    living_hall.run(hub.oversight.keep_telling())
    channel = await living_hall.layer.new_channel("hub.")
    hub.hear({"type": "live.census", "hub": "another", "to": channel, "sources": [1, 2]})
    async with asyncio.timeout(5):
        answer = await living_hall.layer.receive(channel)
    assert (answer["hub"], [tuple(pair) for pair in answer["counts"]]) == (hub.id, [(1, 1)])


async def test_a_hub_does_not_count_itself_twice(living_hall: Hall) -> None:
    hub = living_hall.hub
    living_hall.run(hub.listen())
    living_hall.run(hub.oversight.keep_telling())
    viewer = await living_hall.socket()
    await viewer.subscribe()
    await living_hall.until(lambda: hub.oversight.channel)
    socket = await overseer(living_hall, 1)
    await living_hall.until(lambda: len(stats(socket)) >= 2)
    assert stats(socket)[0]["s"][0]["viewers"] == 1
    assert stats(socket)[1]["s"] == []


async def test_nothing_is_looked_at_while_nobody_looks(living_hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Sequence[int]] = []
    standings = living_hall.log.standings

    async def counting(sources: Sequence[int]) -> Any:
        looks.append(sources)
        return await standings(sources)

    monkeypatch.setattr(oversight_module, "ROUND", 0.01)
    monkeypatch.setattr(living_hall.log, "standings", counting)
    living_hall.run(living_hall.hub.oversight.keep_telling())
    await asyncio.sleep(0.05)
    assert looks == []
    socket = await overseer(living_hall, 1)
    await living_hall.until(lambda: len(looks) > 3)
    await socket.say({"t": "unsub", "id": 10, "sub": 9})
    assert socket.said[-1] == {"t": "ok", "id": 10}
    await living_hall.settle()
    seen = len(looks)
    await asyncio.sleep(0.05)
    assert len(looks) <= seen + 1
    assert not living_hall.hub.oversight.sources


async def test_missing_and_forbidden_sources_get_the_same_answer(hall: Hall, desk: Desk) -> None:
    missing = await overseer(hall, 404)
    desk.charge = None
    forbidden = await overseer(hall, 1)
    assert missing.said[1:] == forbidden.said[1:]
    assert (missing.said[1]["t"], missing.said[1]["code"]) == ("err", "not_found")
    assert not hall.hub.oversight.sources


async def test_a_right_that_goes_while_it_is_asked_for_is_asked_for_again(hall: Hall, desk: Desk) -> None:
    def withdraw() -> None:
        desk.charge = None
        hall.hub.hear({"type": "live.look", "what": "rights", "dashboard": None})

    desk.meanwhile = withdraw
    socket = await overseer(hall, 1)
    assert socket.said[-1]["code"] == "not_found"


async def test_a_withdrawn_right_ends_the_connection(hall: Hall, desk: Desk) -> None:
    socket = await overseer(hall, 1)
    desk.charge = None
    await socket.connection.review(set())
    await hall.settle()
    assert (socket.said[-1]["t"], socket.said[-1]["code"]) == ("bye", 4503)
    assert not hall.hub.oversight.sources


async def test_a_session_that_has_ended_ends_the_connection(hall: Hall, desk: Desk) -> None:
    socket = await overseer(hall, 1)
    desk.proven = False
    hall.hub.rights_changed()
    await socket.connection.review(set())
    await hall.settle()
    assert socket.said[-1]["code"] == 4500


async def test_a_source_that_is_changed_or_deleted_is_told_anew_under_the_same_number(hall: Hall, desk: Desk) -> None:
    socket = await overseer(hall, 1, 2)
    assert desk.charge is not None
    desk.charge[1] = replace(desk.charge[1], enabled=False)
    await socket.connection.review(set())
    await hall.settle()
    assert socket.said[-1]["id"] == 9
    assert [it["enabled"] for it in socket.said[-1]["standing"]] == [False, True]
    desk.charge.clear()
    await socket.connection.review(set())
    await hall.settle()
    assert socket.said[-1]["standing"] == []
    assert socket.closed is None, "nothing was withdrawn; there is nothing left"
    said = len(socket.said)
    await socket.connection.review(set())
    await hall.settle()
    assert len(socket.said) == said


async def test_a_row_that_was_changed_without_a_message_is_found(hall: Hall, desk: Desk) -> None:
    await overseer(hall, 1)
    await a_round(hall)
    assert not hall.hub._review.is_set()
    assert desk.charge is not None
    desk.charge[1] = replace(desk.charge[1], name="Renamed by a command")
    hall.hub.oversight._look_due = 0.0
    await a_round(hall)
    assert hall.hub._review.is_set()


async def test_a_hidden_tab_is_told_nothing_and_then_everything(hall: Hall) -> None:
    socket = await overseer(hall, 1)
    await a_round(hall)
    await socket.say({"t": "set", "id": 3, "visible": False})
    await hall.publish(1, count=3)
    await a_round(hall)
    assert len(stats(socket)) == 1
    await socket.say({"t": "set", "id": 4, "visible": True})
    await a_round(hall)
    assert stats(socket)[-1]["s"][0]["head"] == 3


async def test_a_log_that_is_away_is_said_and_nothing_is_made_up(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    socket = await overseer(hall, 1)

    async def away(sources: Sequence[int]) -> Any:
        raise LogUnreachable("Redis is away")

    monkeypatch.setattr(hall.log, "standings", away)
    await a_round(hall)
    assert stats(socket) == []
    hall.hub._degrade("Redis is away")
    await hall.settle()
    assert socket.said[-1]["state"] == "degraded"


async def test_a_state_that_changes_is_told_once_to_one_who_also_gets_the_ticks(hall: Hall) -> None:
    socket = await overseer(hall, 1)
    await socket.subscribe(1)
    hall.hub._tell_states({1: SourceState("late", 8)})
    await hall.settle()
    assert socket.kinds().count("st") == 1


async def test_a_number_stands_for_one_subscription_of_either_sort(hall: Hall) -> None:
    socket = await overseer(hall, 1, sub=5)
    await socket.subscribe(5, dashboard="board")
    assert not hall.hub.oversight.sources
    assert hall.hub.follows(1)
    await socket.say({"t": "sub", "id": 5, "sources": [1]})
    assert not hall.hub.follows(1)
    assert set(hall.hub.oversight.sources) == {1}


async def test_both_sorts_of_subscriptions_count(hall: Hall, clock: Clock) -> None:
    socket = await hall.socket()
    for sub in range(64):
        await socket.say({"t": "sub", "id": sub, "sources": [1]})
        clock.now += 1
    await socket.subscribe(64, dashboard="board")
    assert socket.said[-1]["code"] == "limit"
    clock.now += 1
    await socket.say({"t": "sub", "id": 3, "sources": [2]})
    assert socket.said[-1]["t"] == "subd"


async def test_who_leaves_is_forgotten(hall: Hall) -> None:
    socket = await overseer(hall, 1)
    hall.hub.leave(socket.connection)
    assert not hall.hub.oversight.sources
    await a_round(hall)


# --- what happens ---


def told(socket: Socket) -> list[int]:
    return [event["id"] for message in socket.said if message["t"] == "ev" for event in message["data"]["events"]]


async def test_who_wants_the_history_gets_what_he_lacks_and_then_what_happens(living_hall: Hall, desk: Desk) -> None:
    living_hall.run(living_hall.hub.oversight.keep_telling())
    desk.events = [{"id": number, "src": 1 + number % 2} for number in range(1, 8)]
    socket = await living_hall.socket()
    await socket.say({"t": "sub", "id": 9, "sources": [1], "history": 2})
    await living_hall.until(lambda: told(socket) == [4, 6])
    desk.events.append({"id": 8, "src": 1})
    living_hall.hub.hear({"type": "live.history", "sources": [1]})
    await living_hall.until(lambda: told(socket) == [4, 6, 8])
    await socket.connection.review(set())
    living_hall.hub.hear({"type": "live.history", "sources": [1]})
    await living_hall.settle()
    assert told(socket) == [4, 6, 8], "a review does not begin it anew"


async def test_a_long_history_comes_in_parts_and_whole(
    living_hall: Hall, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oversight_module, "EVENTS", 3)
    monkeypatch.setattr(oversight_module, "ROUND", 0.01)
    living_hall.run(living_hall.hub.oversight.keep_telling())
    desk.events = [{"id": number, "src": 1} for number in range(1, 9)]
    socket = await living_hall.socket()
    await socket.say({"t": "sub", "id": 9, "sources": [1], "history": 0})
    await living_hall.until(lambda: told(socket) == list(range(1, 9)))


async def test_who_did_not_ask_for_the_history_gets_none(hall: Hall, desk: Desk) -> None:
    desk.events = [{"id": 1, "src": 1}]
    socket = await overseer(hall, 1)
    hall.hub.hear({"type": "live.history", "sources": [1]})
    await a_round(hall)
    assert told(socket) == []
