"""Tests what every tick log promises (dashboard/ticklog/base.py), each test against each log."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from dashboard.protocol.messages import SourceState
from dashboard.ticklog.base import Extent, Lease, LeaseLost, Standing, TickLog
from dashboard.ticklog.memory import MemoryLog
from dashboard.ticklog.redis import RedisLog
from dashboard.timeseries.ring import Last
from dashboard.timeseries.tick import Ticks

# Makes a log; `ticks` and `seconds` are what it keeps.
Factory = Callable[..., TickLog]


@pytest.fixture(params=["memory", "redis"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Factory]:
    """Makes logs that know nothing of those of other tests."""
    prefix = f"test-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:

        def build(*, ticks: int = 1000, seconds: float = 900, apart: bool = False) -> TickLog:
            log: TickLog
            if request.param == "memory":
                log = MemoryLog(ticks=ticks, seconds=seconds)
            else:
                url = request.getfixturevalue("redis_url")
                log = RedisLog(url, ticks=ticks, seconds=seconds, prefix=prefix + "-apart" * apart)
            stack.push_async_callback(log.close)
            return log

        yield build


def ticks_of(*values: float | str, series: int = 1, start: int = 1000) -> Ticks:
    return Ticks.of(
        [series + 1 if isinstance(value, str) else series for value in values],
        list(range(start, start + len(values))),
        list(values),
        [None if isinstance(value, str) else 2.0 for value in values],
    )


def values_of(ticks: Ticks) -> list[float | str]:
    return [ticks.texts.get(row, value) for row, value in enumerate(ticks.values.tolist())]


async def lease_of(log: TickLog, source: int = 1, owner: str = "ana") -> Lease:
    lease = await log.acquire(source, owner)
    assert lease is not None
    return lease


async def appended(log: TickLog, lease: Lease, *values: float | str) -> Extent:
    (result,) = await log.append([(lease, ticks_of(*values))])
    assert isinstance(result, Extent)
    return result


# --- seqs ---


async def test_seqs_begin_at_one_and_have_no_holes(make: Factory) -> None:
    log = make()
    lease = await lease_of(log)
    assert (await log.extent(1)).head == 0
    dice, head = random.Random(3), 0
    for _ in range(30):
        count = dice.randrange(1, 9)
        extent = await appended(log, lease, *range(head + 1, head + count + 1))
        assert (extent.oldest, extent.head) == (1, head + count)
        head += count
    page = await log.read(1, 0, 1000)
    assert (page.a, page.b) == (1, head)
    assert values_of(page.ticks) == [float(n) for n in range(1, head + 1)]


async def test_sources_are_counted_apart(make: Factory) -> None:
    log = make()
    one, two = await lease_of(log, 1), await lease_of(log, 2)
    results = await log.append([(one, ticks_of(1, 2)), (two, ticks_of(1, 2, 3)), (one, ticks_of(3))])
    assert [(result.head) for result in results if isinstance(result, Extent)] == [2, 3, 3]
    assert values_of((await log.read(1, 0, 9)).ticks) == [1, 2, 3]


async def test_what_is_appended_is_what_is_read(make: Factory) -> None:
    log = make()
    lease = await lease_of(log)
    ticks = Ticks.of(
        [7, 8, 7], [1_795_361_835_123, -5, 2**52], [0.1, "geschlossen \u26a0 \U0001f6aa", -1e300], [None, None, 0.0]
    )
    await log.append([(lease, ticks)])
    page = await log.read(1, 0, 10)
    assert page.ticks.series.tolist() == [7, 8, 7]
    assert page.ticks.times.tolist() == [1_795_361_835_123, -5, 2**52]
    assert values_of(page.ticks) == [0.1, "geschlossen \u26a0 \U0001f6aa", -1e300]
    assert page.ticks.volumes[2] == 0.0
    assert (page.ticks.volumes != page.ticks.volumes).tolist() == [True, True, False]


async def test_appending_nothing_changes_nothing(make: Factory) -> None:
    log = make()
    lease = await lease_of(log)
    await appended(log, lease, 1, 2)
    assert await log.append([]) == []
    assert (await log.extent(1)).head == 2


async def test_an_unknown_source_is_empty(make: Factory) -> None:
    log = make()
    extent = await log.extent(404)
    assert (extent.oldest, extent.head) == (1, 0)
    page = await log.read(404, 0, 10)
    assert (page.a, page.b, len(page.ticks)) == (1, 0, 0)
    assert await log.latest(404) == {}
    await log.refresh([404])
    assert len(log.ring(404)) == 0


# --- leases ---


async def test_a_source_has_one_owner_at_a_time(make: Factory) -> None:
    log = make()
    lease = await lease_of(log, owner="ana")
    assert await log.acquire(1, "ben") is None
    assert await log.acquire(1, "cy") is None
    await log.release(lease)
    assert (await lease_of(log, owner="ben")).owner == "ben"
    assert await log.acquire(1, "ana") is None


async def test_of_many_who_want_a_source_at_once_one_gets_it(make: Factory) -> None:
    log = make()
    found = await asyncio.gather(*(log.acquire(1, f"worker {n}") for n in range(20)))
    assert sum(lease is not None for lease in found) == 1


async def test_tokens_only_grow(make: Factory) -> None:
    log = make()
    tokens = []
    for number in range(10):
        lease = await lease_of(log, owner=f"worker {number}")
        tokens.append(lease.token)
        await log.release(lease)
    assert tokens == sorted(set(tokens))


async def test_an_owner_who_comes_back_under_his_name_fences_off_his_former_self(make: Factory) -> None:
    log = make()
    old, new = await lease_of(log), await lease_of(log)
    (result,) = await log.append([(old, ticks_of(1))])
    assert isinstance(result, LeaseLost)
    assert await log.renew([old, new]) == [new]
    assert (await appended(log, new, 1)).head == 1


async def test_a_batch_with_a_lost_lease_is_refused_whole_and_the_others_are_not_touched(make: Factory) -> None:
    log = make()
    leases = [await lease_of(log, source) for source in (1, 2, 3)]
    await log.release(leases[1])
    await lease_of(log, 2, "ben")
    results = await log.append([(lease, ticks_of(1, 2)) for lease in leases])
    assert [type(result) for result in results] == [Extent, LeaseLost, Extent]
    assert [(await log.extent(source)).head for source in (1, 2, 3)] == [2, 0, 2]


async def test_a_released_lease_appends_and_renews_nothing_and_can_be_released_again(make: Factory) -> None:
    log = make()
    lease = await lease_of(log)
    assert await log.renew([lease]) == [lease]
    await log.release(lease)
    await log.release(lease)
    assert await log.renew([lease]) == []
    assert isinstance((await log.append([(lease, ticks_of(1))]))[0], LeaseLost)
    other = await lease_of(log, owner="ben")
    await log.release(lease)
    assert await log.renew([other]) == [other], "a lease that is gone takes nobody else's with it"
    assert await log.renew([]) == []


async def test_the_next_owner_goes_on_where_the_last_one_ended(make: Factory) -> None:
    log = make()
    lease = await lease_of(log)
    before = await appended(log, lease, 1, 2, 3)
    await log.release(lease)
    after = await appended(log, await lease_of(log, owner="ben"), 4)
    assert after == Extent(before.epoch, 1, 4)


async def test_lost_ticks_have_seqs_of_their_own_and_leave_the_last_values_alone(make: Factory) -> None:
    log = make()
    lease = await lease_of(log)
    await appended(log, lease, 1.0)
    await log.lose(lease, 3, "source", 10, 20)
    await appended(log, lease, 2.0)
    assert (await log.extent(1)).head == 5
    await log.refresh([1])
    gap = log.ring(1).gap_from(1)
    assert gap is not None
    assert (gap.a, gap.b, gap.why, gap.start, gap.end) == (2, 4, "source", 10, 20)
    assert set(await log.latest(1)) == {1}
    await log.release(lease)
    with pytest.raises(LeaseLost):
        await log.lose(lease, 1, "source", None, None)


# --- reading ---


@pytest.mark.parametrize(
    ("after", "limit", "expected"),
    [
        (0, 100, (11, 30)),
        (-5, 100, (11, 30)),
        (-(2**52), 3, (11, 13)),
        (10, 5, (11, 15)),
        (14, 5, (15, 19)),
        (29, 5, (30, 30)),
        (30, 5, (31, 30)),
        (99, 5, (100, 99)),
        (2**52, 5, (2**52 + 1, 2**52)),
        (12, 1, (13, 13)),
        (12, 0, (13, 12)),
        (0, 0, (11, 10)),
    ],
)
async def test_pages_are_read_from_anywhere(make: Factory, after: int, limit: int, expected: tuple[int, int]) -> None:
    log = make(ticks=20)
    lease = await lease_of(log)
    for start in range(0, 30, 6):
        await appended(log, lease, *range(start + 1, start + 7))
    page = await log.read(1, after, limit)
    a, b = expected
    assert (page.extent.oldest, page.extent.head) == (11, 30)
    assert (page.a, page.b) == (a, b)
    assert values_of(page.ticks) == [float(n) for n in range(a, b + 1)]


async def test_pages_put_together_are_the_whole(make: Factory) -> None:
    log = make(ticks=10_000)
    lease, dice, written = await lease_of(log), random.Random(8), 0
    while written < 700:
        count = dice.randrange(1, 40)
        await appended(log, lease, *range(written + 1, written + count + 1))
        written += count
    for limit in (1000, 33, 500):
        found: list[float | str] = []
        while True:
            page = await log.read(1, len(found), limit)
            assert len(page.ticks) <= limit
            if page.b < page.a:
                break
            found += values_of(page.ticks)
        assert found == [float(n) for n in range(1, written + 1)]


async def test_a_page_holds_what_the_extent_says_even_of_a_source_that_ticks_rarely(make: Factory) -> None:
    log = make(seconds=0.3)
    lease = await lease_of(log)
    for number in range(3):
        await appended(log, lease, number)
        await asyncio.sleep(0.2)
    page = await log.read(1, 0, 10)
    assert (page.a, page.b) == (page.extent.oldest, page.extent.head)
    assert len(page.ticks) == page.b - page.a + 1


async def test_the_last_tick_of_each_series_outlives_the_trimming(make: Factory) -> None:
    log = make(ticks=5)
    lease = await lease_of(log)
    await log.append([(lease, Ticks.of([1, 2, 3], [10, 20, 30], [1.5, "open", 3.0], [7.0, None, None]))])
    for _ in range(5):
        await log.append([(lease, Ticks.of([9] * 5, [40] * 5, [0.0] * 5))])
    assert (await log.extent(1)).oldest > 20
    latest = await log.latest(1)
    assert latest[1] == Last(1, 10, 1.5, 7.0)
    assert latest[2] == Last(2, 20, "open", None)
    assert latest[3] == Last(3, 30, 3.0, None)
    assert latest[9].seq == 28


async def test_the_ring_is_the_end_of_the_log_after_a_refresh(make: Factory) -> None:
    log = make(ticks=20)
    lease = await lease_of(log)
    for start in range(0, 60, 3):
        await appended(log, lease, *range(start + 1, start + 4))
        if start % 4 == 0:
            await log.refresh([1, 404])
            ring = log.ring(1)
            extent = await log.extent(1)
            assert (ring.epoch, ring.head) == (extent.epoch, extent.head)
            assert ring.oldest <= max(extent.head - 19, 1)
            assert values_of(ring.slice(ring.oldest, ring.head)) == [
                float(n) for n in range(ring.oldest, ring.head + 1)
            ]
            assert dict(ring.last) == dict(await log.latest(1))


# --- epochs ---


async def test_logs_that_do_not_know_each_other_have_different_epochs(make: Factory) -> None:
    epochs = []
    for log in (make(), make(apart=True)):
        epochs.append((await appended(log, await lease_of(log), 1)).epoch)
    assert all(epochs)
    assert epochs[0] != epochs[1]


async def test_an_epoch_lasts_while_seqs_go_on(make: Factory) -> None:
    log = make(ticks=3)
    seen = set()
    for owner in ("ana", "ben", "ana"):
        lease = await lease_of(log, owner=owner)
        for _ in range(3):
            seen.add((await appended(log, lease, 1, 2)).epoch)
        await log.release(lease)
    assert len(seen) == 1


# --- states ---


async def test_states_are_the_last_that_were_published(make: Factory) -> None:
    log = make()
    assert dict(await log.states()) == {}
    live, down = SourceState("live", 5, 6, 99.5, ""), SourceState("down", 7, None, 0.0, "HTTP 503 \u26a0")
    await log.enlist("ana")
    await log.publish({1: live, 2: live}, "ana")
    await log.publish({2: down}, "ana")
    assert dict(await log.states()) == {1: live, 2: down}


async def test_a_source_that_was_removed_is_forgotten(make: Factory) -> None:
    log = make()
    await log.enlist("ana")
    for source in (1, 2):
        await appended(log, await lease_of(log, source), 1, 2, 3)
        await log.publish({source: SourceState("live", 5)}, "ana")
    await log.refresh([1, 2])
    await log.forget(1)
    await log.refresh([1, 2])
    assert dict(await log.latest(1)) == {}
    assert (await log.extent(1)).head == log.ring(1).head == 0
    assert list(await log.states()) == [2]
    assert (await log.extent(2)).head == log.ring(2).head == 3


# --- the log of one process ---


async def test_a_silent_source_loses_its_old_ticks_with_a_look() -> None:
    now = [1000.0]
    log = MemoryLog(seconds=10, clock=lambda: now[0])
    lease = await lease_of(log)
    await appended(log, lease, 1, 2)
    now[0] += 60
    assert (await log.extent(1)).oldest == 1
    await log.refresh([1])
    assert await log.extent(1) == Extent((await log.extent(1)).epoch, 3, 2)
    assert (await log.latest(1))[1].value == 2.0


async def test_memory_waits_for_nothing() -> None:
    """So that a check and what follows from it can stand in one step of the event loop."""
    log = MemoryLog()

    def at_once(work: Awaitable[Any]) -> Any:
        try:
            work.send(None)  # type: ignore[attr-defined]
        except StopIteration as done:
            return done.value
        raise AssertionError("it waits")

    lease = at_once(log.acquire(1, "ana"))
    at_once(log.append([(lease, ticks_of(1))]))
    for work in (log.renew([lease]), log.refresh([1]), log.read(1, 0, 1), log.extent(1), log.latest(1), log.states()):
        at_once(work)
    at_once(log.release(lease))


# --- how it stands ---


async def test_how_a_source_stands_is_known_without_reading_it(make: Factory) -> None:
    log = make()
    assert (await log.standings([1, 2]))[2].owner is None
    lease = await lease_of(log, 1, "ana:7:f00")
    extent = await appended(log, lease, 1.0, 2.0)
    await log.lose(lease, 3, "source", 1000, 2000)
    found = await log.standings([1, 2])
    assert found[1] == Standing(Extent(extent.epoch, 1, 5), "ana:7:f00", 3)
    assert (found[2].owner, found[2].lost, found[2].extent.head) == (None, 0, 0)
    await log.release(lease)
    assert (await log.standings([1]))[1] == Standing(Extent(extent.epoch, 1, 5), None, 3)
    assert await log.standings([]) == {}
