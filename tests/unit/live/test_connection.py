"""Tests one socket from hello to bye: what it answers, what it lets pass, and what ends it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from dashboard.live import advance, refusals
from dashboard.protocol.close_codes import CloseCode
from tests.unit.live.desk import Desk, Hall
from tests.unit.live.world import Clock


async def test_a_hello_is_answered_with_the_limits(hall: Hall) -> None:
    socket = await hall.socket()
    (hello,) = socket.said
    assert hello.keys() == {"t", "v", "sid", "build", "now", "hb", "spread", "lim"}
    assert hello["lim"] == {"frame": 16384, "rate": 20.0, "subs": 64, "bytes": 262144, "frames": 64}
    assert (hello["t"], hello["v"], hello["build"], hello["hb"]) == ("hello", 1, "build", 10.0)


async def test_nothing_comes_before_the_hello(hall: Hall) -> None:
    socket = await hall.socket(greet=False)
    await socket.subscribe()
    await socket.say({"t": "ping", "id": 1})
    assert socket.kinds() == ["err", "err"]
    assert hall.hub._watchers == {}


async def test_a_second_hello_is_a_mistake(hall: Hall) -> None:
    socket = await hall.socket()
    await socket.say({"t": "hello", "v": 1})
    assert socket.kinds() == ["hello", "err"]


@pytest.mark.parametrize(("change", "code"), [({"v": 2}, 4506), ({"ticket": "s_x"}, 4503)])
async def test_a_hello_that_does_not_fit_ends_the_connection(hall: Hall, change: dict[str, Any], code: int) -> None:
    socket = await hall.socket(greet=False)
    await socket.say({"t": "hello", "v": 1, "build": "", "ticket": None} | change)
    assert socket.kinds() == ["bye"]
    assert (socket.said[0]["code"], socket.closed) == (code, code)


async def test_the_third_message_that_cannot_be_understood_ends_the_connection(hall: Hall) -> None:
    socket = await hall.socket()
    await socket.say("{")
    await socket.say(None)
    await socket.say({"t": "future", "id": 9})  # a newer client's word is no strike
    assert socket.kinds() == ["hello", "err", "err", "err"]
    assert socket.said[-1] == {"t": "err", "id": 9, "code": "bad", "msg": "The type of this message is not known"}
    await socket.say({"t": "ack", "k": "never sent"})
    assert socket.kinds()[-2:] == ["err", "bye"]
    assert socket.closed == 4501


async def test_what_is_refused_is_counted_by_its_code(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "errors", Counter())
    monkeypatch.setattr(refusals, "farewells", Counter())
    socket = await hall.socket()
    await socket.subscribe(dashboard="nowhere")
    await socket.say({"t": "unsub", "id": 2, "sub": 7})
    for _ in range(3):
        await socket.say("{")
    await socket.say("{")
    socket.connection.dismiss(CloseCode.DRAIN)
    assert refusals.errors == {"not_found": 2, "bad": 3}
    assert refusals.farewells == {4501: 1}, "who has been sent away is not sent away again"


async def test_an_oversized_message_is_named_as_such(hall: Hall) -> None:
    socket = await hall.socket()
    await socket.say(json.dumps({"t": "ping", "id": 1, "x": "y" * 17_000}))
    assert "16384 bytes" in socket.said[-1]["msg"]


async def test_too_many_messages_end_the_connection(hall: Hall, clock: Clock) -> None:
    socket = await hall.socket()
    for _ in range(200):
        await socket.say({"t": "ping", "id": 1})
        clock.now += 0.05
    assert socket.closed is None
    for _ in range(41):
        await socket.say({"t": "ping", "id": 1})
    assert socket.closed == 4013


async def test_what_comes_after_the_bye_is_not_heard(hall: Hall, desk: Desk) -> None:
    socket = await hall.socket()
    for _ in range(3):
        await socket.say("{")
    asked = desk.asked
    await socket.subscribe()
    assert desk.asked == asked
    assert hall.hub._watchers == {}
    assert socket.kinds()[-1] == "bye"


async def test_a_failure_of_ours_says_bye_and_asks_the_viewer_back(
    hall: Hall, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    socket = await hall.socket()
    desk.error = RuntimeError("the database is away")
    await socket.subscribe()
    assert socket.said[-1]["t"] == "bye"
    assert socket.said[-1]["resume"] is True
    assert socket.closed == 4004
    assert "the database is away" in caplog.text


async def test_a_ping_is_answered_with_the_time(hall: Hall, clock: Clock) -> None:
    socket = await hall.socket()
    await socket.say({"t": "ping", "id": 12})
    assert socket.said[-1] == {"t": "pong", "id": 12, "now": clock.ms}


# --- subscriptions ---


async def test_what_does_not_exist_and_what_may_not_be_seen_get_the_same_answer(hall: Hall) -> None:
    socket = await hall.socket()
    await socket.subscribe(5, dashboard="nowhere")
    await socket.subscribe(5, series=[999])
    first, second = socket.said[1:]
    assert first == second
    assert (first["t"], first["id"], first["code"]) == ("err", 5, "not_found")
    assert hall.hub._watchers == {}


async def test_a_socket_has_so_many_subscriptions_and_may_replace_each(hall: Hall, clock: Clock) -> None:
    socket = await hall.socket()
    for sub in range(64):
        await socket.subscribe(sub, dashboard="board")
        clock.now += 1
        if socket.connection.session._flight:
            await socket.ack()
    await socket.subscribe(64, dashboard="board")
    assert (socket.said[-1]["t"], socket.said[-1]["code"]) == ("err", "limit")
    await socket.subscribe(63, dashboard="board")
    assert "subd" in socket.kinds()[-3:]


async def test_an_unsub_of_nothing_is_told_so(hall: Hall) -> None:
    socket = await hall.socket()
    await socket.say({"t": "unsub", "id": 9, "sub": 7})
    assert (socket.said[-1]["id"], socket.said[-1]["code"]) == (9, "not_found")
    await socket.subscribe(7, dashboard="board")
    await socket.say({"t": "unsub", "id": 9, "sub": 7})
    assert socket.said[-1] == {"t": "ok", "id": 9}
    assert hall.hub._watchers == {}


async def test_an_empty_dashboard_is_subscribed_empty(hall: Hall, desk: Desk) -> None:
    desk.boards["empty"] = ()
    socket = await hall.socket()
    await socket.subscribe(dashboard="empty")
    assert socket.said[-1] == {"t": "subd", "id": 1, "series": [], "sources": []}


async def test_a_right_withdrawn_while_it_was_looked_up_is_looked_up_again(hall: Hall, desk: Desk) -> None:
    socket = await hall.socket()

    def withdraw() -> None:
        desk.boards.clear()
        hall.hub.rights_changed()

    desk.meanwhile = withdraw
    await socket.subscribe()
    assert socket.said[-1]["code"] == "not_found"
    assert desk.asked == 2
    assert hall.hub._watchers == {}


async def test_who_came_with_a_session_that_is_over_is_sent_away(hall: Hall, desk: Desk) -> None:
    socket = await hall.socket()
    desk.proven = False
    hall.hub.rights_changed()
    await socket.subscribe()
    assert (socket.said[-1]["code"], socket.closed) == (4500, 4500)


async def test_who_came_as_nobody_stays_nobody_and_stays(hall: Hall, desk: Desk) -> None:
    desk.proven = False
    socket = await hall.socket()
    await socket.subscribe()
    assert "subd" in socket.kinds()
    assert socket.closed is None


# --- resume ---


async def position(hall: Hall, count: int = 10) -> str:
    await hall.publish(count=count)
    return hall.log.ring(1).epoch


async def resume(hall: Hall, epoch: str, seq: int) -> list[dict[str, Any]]:
    socket = await hall.socket()
    await socket.subscribe(dashboard="board", since={"1": [epoch, seq]})
    assert socket.said[1]["t"] == "subd"
    return socket.said[1:]


async def test_a_first_visit_gets_a_snapshot(hall: Hall) -> None:
    await position(hall)
    socket = await hall.socket()
    await socket.subscribe()
    _, subd, snap = socket.said
    assert subd["sources"][0] | {"epoch": ""} == {
        "src": 1,
        "name": "Source 1",
        "epoch": "",
        "seq": 10,
        "recovered": False,
        "why": "first",
        "cadence": 1.0,
        "state": subd["sources"][0]["state"],
    }
    assert (snap["t"], snap["seq"], snap["rows"]["v"]) == ("snap", 10, [9])


async def test_a_viewer_who_comes_back_gets_what_he_missed(hall: Hall) -> None:
    epoch = await position(hall)
    subd, data = await resume(hall, epoch, 4)
    assert (subd["sources"][0]["recovered"], subd["sources"][0]["why"]) == (True, None)
    assert [(part["a"], part["b"], part["n"]) for part in data["d"]] == [(5, 10, 6)]


async def test_a_viewer_who_missed_nothing_gets_nothing(hall: Hall) -> None:
    epoch = await position(hall)
    (subd,) = await resume(hall, epoch, 10)
    assert subd["sources"][0]["recovered"]


async def test_another_epoch_is_a_gap_and_a_snapshot(hall: Hall) -> None:
    await position(hall)
    subd, gap, snap = await resume(hall, "other", 4)
    assert subd["sources"][0]["why"] == "epoch"
    assert (gap["t"], gap["a"], gap["b"], gap["why"]) == ("gap", 5, 4, "epoch")
    assert (snap["t"], snap["seq"]) == ("snap", 10)


async def test_a_position_beyond_the_head_is_a_gap_and_a_snapshot(hall: Hall) -> None:
    epoch = await position(hall)
    subd, gap, snap = await resume(hall, epoch, 11)
    assert subd["sources"][0]["why"] == "ahead"
    assert (gap["t"], gap["a"], gap["b"], gap["why"]) == ("gap", 12, 11, "ahead")
    assert (snap["t"], snap["seq"]) == ("snap", 10)


async def test_what_was_trimmed_is_a_gap_and_the_rest_follows(hall: Hall) -> None:
    epoch = await position(hall)
    hall.log.ring(1)._drop_before(7)
    subd, gap, data, snap = await resume(hall, epoch, 4)
    assert subd["sources"][0]["why"] == "trimmed"
    assert (gap["t"], gap["a"], gap["b"], gap["why"]) == ("gap", 5, 6, "trimmed")
    assert [(part["a"], part["b"]) for part in data["d"]] == [(7, 10)]
    assert snap["seq"] == 10, "the newest tick of a slow series may have been in the gap"


async def test_a_position_just_before_what_is_left_has_no_gap(hall: Hall) -> None:
    epoch = await position(hall)
    hall.log.ring(1)._drop_before(7)
    subd, data = await resume(hall, epoch, 6)
    assert subd["sources"][0]["recovered"]
    assert [(part["a"], part["b"]) for part in data["d"]] == [(7, 10)]


async def test_a_log_that_was_emptied_is_one_gap_to_the_head(hall: Hall) -> None:
    epoch = await position(hall)
    hall.log.ring(1)._drop_before(99)
    _, gap, snap = await resume(hall, epoch, 4)
    assert snap["rows"]["i"], "the last values are known still"
    assert (gap["a"], gap["b"], gap["why"]) == (5, 10, "trimmed")


async def test_positions_of_sources_that_are_not_asked_for_change_nothing(hall: Hall) -> None:
    await position(hall)
    socket = await hall.socket()
    since = {"2": ["x", 5], "999999999999999": ["", 0]}
    await socket.subscribe(dashboard="board", since=since)
    assert socket.kinds() == ["hello", "subd", "snap"]


# --- what is asked for besides ---


async def test_a_page_that_hides_and_comes_back_is_where_it_should_be(hall: Hall) -> None:
    socket = await hall.socket()
    await socket.subscribe()
    await socket.say({"t": "set", "id": 2, "visible": False})
    await hall.publish(count=5)
    hall.hub.advancer.heads_moved()
    hall.hub._advance_watchers([1])
    await hall.settle()
    assert socket.kinds()[-1] == "ok"
    await socket.say({"t": "set", "id": 3, "visible": True})
    assert socket.kinds()[-2:] == ["ok", "d"]
    assert socket.said[-1]["d"][0]["b"] == 5


async def test_an_acknowledgement_lets_a_waiting_viewer_go_on(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advance, "FRAME_BYTES", 200)
    await hall.publish(count=2000)
    socket = await hall.socket()
    await socket.subscribe(series=[11], window=60, points=5000)
    parts = socket.said[-1]["parts"]
    assert socket.kinds().count("snap") == 60 < parts
    for _ in range(parts // 50 + 1):
        await socket.ack()
    assert socket.kinds().count("snap") == parts


def plain_ack(token: str) -> str:
    return f'{{"t":"ack","k":"{token}"}}'


async def test_a_plain_acknowledgement_is_taken_at_once_and_lets_a_waiting_viewer_go_on(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advance, "FRAME_BYTES", 200)
    await hall.publish(count=2000)
    socket = await hall.socket()
    await socket.subscribe(series=[11], window=60, points=5000)
    before = len(socket.said)
    assert socket.connection.acknowledge(plain_ack(socket.said[-1]["k"]))
    await hall.settle()
    assert len(socket.said) > before
    assert socket.connection.session._flight[0][0] == socket.said[before]["k"]


async def test_what_is_no_plain_acknowledgement_of_what_is_on_its_way_is_left_to_its_turn(hall: Hall) -> None:
    socket = await hall.socket()
    await socket.subscribe()
    token = socket.said[-1]["k"]
    for text in (plain_ack("00000000"), f'{{"k":"{token}","t":"ack"}}', '{"t":"ping","id":1}', "", "{"):
        assert not socket.connection.acknowledge(text)
    assert socket.connection.acknowledge(plain_ack(token))
    hall.hub.leave(socket.connection)
    assert not socket.connection.acknowledge(plain_ack(token))


async def test_too_many_plain_acknowledgements_end_the_connection(hall: Hall) -> None:
    socket = await hall.socket()
    await socket.subscribe()
    for _ in range(60):
        socket.connection.acknowledge(plain_ack(socket.said[-1].get("k", "0")))
        await hall.settle()
    assert socket.closed == 4013


# --- review ---


async def test_a_changed_grant_is_announced_and_brings_what_is_new(hall: Hall, desk: Desk) -> None:
    socket = await hall.socket()
    await socket.subscribe()
    desk.boards["board"] = ((11, 1), (21, 2))
    hall.hub.rights_changed()
    await socket.connection.review(set())
    await hall.settle()
    subd, snap = socket.said[-2:]
    assert [source["src"] for source in subd["sources"]] == [1, 2]
    assert [source["recovered"] for source in subd["sources"]] == [True, False]
    assert (snap["t"], snap["src"]) == ("snap", 2)
    assert set(hall.hub._watchers) == {1, 2}


async def test_another_label_is_announced_without_a_snapshot(hall: Hall, desk: Desk) -> None:
    socket = await hall.socket()
    await socket.subscribe()
    desk.label = "Another label"
    hall.hub.rights_changed()
    await socket.connection.review(set())
    await hall.settle()
    assert socket.kinds()[-2:] == ["snap", "subd"]
    assert socket.said[-1]["series"][0][3] == "Another label"


async def test_an_edit_of_the_layout_is_told_to_its_viewers_only(hall: Hall, desk: Desk) -> None:
    desk.boards["other"] = ((21, 2),)
    here, there = await hall.socket(), await hall.socket()
    await here.subscribe()
    await there.subscribe(dashboard="other")
    for socket in (here, there):
        await socket.connection.review({"board", None})
    await hall.settle()
    assert here.said[-1] == {"t": "ev", "kind": "layout", "data": {"dashboard": "board"}}
    assert "ev" not in there.kinds()


async def test_one_subscription_that_may_no_longer_be_seen_ends_the_connection(hall: Hall, desk: Desk) -> None:
    desk.boards["other"] = ((21, 2),)
    socket = await hall.socket()
    await socket.subscribe(1, dashboard="board")
    await socket.subscribe(2, dashboard="other")
    del desk.boards["other"]
    hall.hub.rights_changed()
    await socket.connection.review(set())
    await hall.settle()
    assert (socket.said[-1]["t"], socket.closed) == ("bye", 4503)
    assert hall.hub._watchers == {}


async def test_a_subscription_that_was_ended_meanwhile_is_not_looked_at(hall: Hall, desk: Desk) -> None:
    socket = await hall.socket()
    await socket.subscribe()
    desk.boards.clear()
    desk.meanwhile = lambda: socket.connection._requests.clear()
    await socket.connection.review(set())
    assert socket.closed is None
