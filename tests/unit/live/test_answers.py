"""Tests that the database is asked once by those who ask the same at the same time, and again when rights change."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.live.access import Credentials
from dashboard.live.answers import GRANT_SECONDS, Answers
from dashboard.protocol.requests import Subscribe
from tests.unit.live.desk import Desk

BOARD = Subscribe(1, "board", (), {}, 0, 600)
BEN = Credentials("a session")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(desk: Desk, clock: Clock) -> Answers:
    return Answers(clock)


async def test_those_who_ask_at_the_same_time_share_the_answer(answers: Answers, desk: Desk) -> None:
    nobody = await answers.who(Credentials())
    grants = await asyncio.gather(*(answers.what(nobody, BOARD) for _ in range(100)))
    assert desk.asked == 1
    assert all(grant is grants[0] for grant in grants)


async def test_a_grant_is_kept_for_a_moment_and_no_longer(answers: Answers, desk: Desk, clock: Clock) -> None:
    nobody = await answers.who(Credentials())
    await answers.what(nobody, BOARD)
    clock.now = GRANT_SECONDS
    await answers.what(nobody, BOARD)
    assert desk.asked == 1
    clock.now = GRANT_SECONDS + 0.1
    await answers.what(nobody, BOARD)
    assert desk.asked == 2


async def test_what_changes_is_asked_again_and_an_old_answer_on_its_way_does_not_come_back(
    answers: Answers, desk: Desk
) -> None:
    nobody = await answers.who(Credentials())
    old = asyncio.create_task(answers.what(nobody, BOARD))
    await asyncio.sleep(0)
    answers.forget()
    desk.label = "Another label"
    await old
    grant = await answers.what(nobody, BOARD)
    assert grant is not None
    assert grant.series[0].label == "Another label"


async def test_a_no_is_not_kept(answers: Answers, desk: Desk) -> None:
    nobody = await answers.who(Credentials())
    assert await answers.what(nobody, Subscribe(1, "later", (), {}, 0, 600)) is None
    desk.boards["later"] = ((11, 1),)
    assert await answers.what(nobody, Subscribe(1, "later", (), {}, 0, 600)) is not None


async def test_who_could_not_prove_anything_is_asked_for_again(answers: Answers, desk: Desk) -> None:
    desk.proven = False
    assert not (await answers.who(BEN)).proven
    desk.proven = True
    assert (await answers.who(BEN)).proven


async def test_a_person_is_kept_until_rights_change(answers: Answers, desk: Desk, clock: Clock) -> None:
    assert (await answers.who(BEN)).proven
    desk.proven = False
    clock.now = 50
    assert (await answers.who(BEN)).proven
    answers.forget()
    assert not (await answers.who(BEN)).proven


async def test_an_error_is_everybodys_and_is_not_kept(answers: Answers, desk: Desk) -> None:
    nobody = await answers.who(Credentials())
    desk.error = OSError("away")
    results = await asyncio.gather(*(answers.what(nobody, BOARD) for _ in range(3)), return_exceptions=True)
    assert all(result is desk.error for result in results)
    assert desk.asked == 1
    desk.error = None
    assert await answers.what(nobody, BOARD) is not None


async def test_who_goes_before_the_answer_does_not_take_it_along(answers: Answers, desk: Desk) -> None:
    nobody = await answers.who(Credentials())
    first = asyncio.create_task(answers.what(nobody, BOARD))
    second = asyncio.create_task(answers.what(nobody, BOARD))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None
    assert desk.asked == 1


async def test_the_answers_are_bounded(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.live.answers.MOST", 10)
    for number in range(100):
        await answers.who(Credentials(f"session {number}"))
    assert len(answers._people) <= 10


async def test_grants_go_when_their_moment_is_over_whoever_asks_next(
    answers: Answers, desk: Desk, clock: Clock
) -> None:
    nobody = await answers.who(Credentials())
    for number in range(100):
        desk.boards[f"board {number}"] = ((11, 1),)
        await answers.what(nobody, Subscribe(1, f"board {number}", (), {}, 0, 600))
        clock.now += 0.5
    assert len(answers._grants) <= 5


async def test_lists_of_series_are_not_kept(answers: Answers, desk: Desk) -> None:
    """There are as many as somebody likes to think of, each of up to 16 KiB."""
    nobody = await answers.who(Credentials())
    for _ in range(3):
        assert await answers.what(nobody, Subscribe(1, None, (11,), {}, 0, 600)) is not None
    assert desk.asked == 3
    assert not answers._grants
