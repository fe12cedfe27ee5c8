from __future__ import annotations

import time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from dashboard.models import ApiToken
from dashboard.ticklog.memory import MemoryLog
from dashboard.timeseries.tick import Ticks
from tests.unit.models.cast import Cast

NOW = int(time.time() * 1000)


async def fill(
    log: MemoryLog, source: int, series: list[int], values: list[Any], volumes: list[Any] | None = None
) -> None:
    lease = await log.acquire(source, "test")
    assert lease is not None
    ticks = Ticks.of(series, [NOW + 10 * row for row in range(len(series))], values, volumes)
    await log.append([(lease, ticks)])


async def read(client: AsyncClient, path: str, **headers: str) -> tuple[int, Any]:
    response = await client.get(f"/api/v1/{path}", headers=headers)
    return response.status_code, response.json()


async def test_ticks_come_as_columns_with_the_extent_of_the_log(
    cast: Cast, log: MemoryLog, client: AsyncClient
) -> None:
    await fill(log, cast.market.pk, [cast.apple.pk, cast.microsoft.pk, cast.apple.pk], [1.5, 2.25, 3.0], [10, None, 30])
    await client.aforce_login(cast.root)
    status, answer = await read(client, "sources/market/ticks?after=0&limit=2")
    assert status == 200
    assert answer == {
        "src": cast.market.pk,
        "epoch": (await log.extent(cast.market.pk)).epoch,
        "oldest": 1,
        "head": 3,
        "a": 1,
        "b": 2,
        "rows": {
            "s": [1, 2],
            "i": [cast.apple.pk, cast.microsoft.pk],
            "t0": NOW,
            "t": [0, 10],
            "v": [1.5, 2.25],
            "q": [10.0, None],
        },
    }
    _, rest = await read(client, "sources/market/ticks?after=2")
    assert (rest["a"], rest["b"], rest["rows"]["s"], rest["rows"]["v"]) == (3, 3, [3], [3.0])


async def test_asking_beyond_the_head_answers_an_empty_range(cast: Cast, log: MemoryLog, client: AsyncClient) -> None:
    await fill(log, cast.market.pk, [cast.apple.pk], [1.0])
    await client.aforce_login(cast.root)
    for after in (1, 2**53 - 1):
        status, answer = await read(client, f"sources/market/ticks?after={after}")
        assert status == 200
        assert answer["b"] == answer["a"] - 1
        assert answer["rows"] == {"s": [], "i": [], "t0": 0, "t": [], "v": []}


async def test_volumes_are_left_out_when_no_row_has_one(cast: Cast, log: MemoryLog, client: AsyncClient) -> None:
    await fill(log, cast.market.pk, [cast.apple.pk], [1.0])
    await client.aforce_login(cast.root)
    _, answer = await read(client, "sources/market/ticks")
    assert "q" not in answer["rows"]


async def test_texts_come_as_strings_among_the_values(cast: Cast, log: MemoryLog, client: AsyncClient) -> None:
    await fill(log, cast.market.pk, [cast.apple.pk, cast.microsoft.pk], ['<b>"open"', 2.0])
    await client.aforce_login(cast.root)
    _, answer = await read(client, "sources/market/ticks")
    assert answer["rows"]["v"] == ['<b>"open"', 2.0]


async def test_rows_of_series_one_may_not_see_are_left_out_of_the_rows_but_not_of_the_range(
    cast: Cast, log: MemoryLog, client: AsyncClient
) -> None:
    await fill(log, cast.market.pk, [cast.microsoft.pk, cast.apple.pk, cast.microsoft.pk], ["closed", 2.0, 3.0])
    for user in (cast.ana, cast.ben):
        await client.aforce_login(user)
        _, answer = await read(client, "sources/market/ticks")
        assert (answer["a"], answer["b"]) == (1, 3)
        assert answer["rows"] == {"s": [2], "i": [cast.apple.pk], "t0": NOW + 10, "t": [0], "v": [2.0]}


async def test_missing_and_forbidden_sources_are_answered_alike(
    cast: Cast, log: MemoryLog, client: AsyncClient
) -> None:
    await fill(log, cast.vault.pk, [cast.secret.pk], [1.0])
    await client.aforce_login(cast.cy)
    forbidden = await read(client, "sources/vault/ticks")
    missing = await read(client, "sources/nothing-here/ticks")
    assert forbidden == missing
    assert forbidden[0] == 404
    assert forbidden[1]["code"] == "not_found"


async def test_somebody_without_session_sees_what_is_public(cast: Cast, log: MemoryLog, client: AsyncClient) -> None:
    await fill(log, cast.market.pk, [cast.apple.pk], [1.0])
    assert (await read(client, "sources/market/ticks"))[0] == 404
    cast.board.visibility = "public"
    await cast.board.asave()
    assert (await read(client, "sources/market/ticks"))[0] == 200


async def test_a_token_for_one_source_reads_all_of_it_and_nothing_else(
    cast: Cast, log: MemoryLog, client: AsyncClient
) -> None:
    await fill(log, cast.market.pk, [cast.microsoft.pk], [1.0])
    token, text = await sync_to_async(ApiToken.issue)("one", "read", cast.market)
    assert (await read(client, "sources/market/ticks", authorization=f"Bearer {text}"))[1]["rows"]["s"] == [1]
    assert (await read(client, "sources/vault/ticks", authorization=f"Bearer {text}"))[0] == 404
    token.revoked = True
    await token.asave()
    status, answer = await read(client, "sources/market/ticks", authorization=f"Bearer {text}")
    assert (status, answer["code"]) == (401, "unauthorized")


async def test_a_token_that_does_not_hold_is_refused_even_beside_a_session(
    cast: Cast, log: MemoryLog, client: AsyncClient
) -> None:
    await client.aforce_login(cast.root)
    for text in ("", "tw_", "tw_00000000_x", "nonsense", "tw_ünïcode_ß"):
        assert (await read(client, "session", authorization=f"Bearer {text}"))[0] == 401, text


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=x", "after=1e3", f"after={2**53}", "limit=0", "limit=10001", "limit=", "after=9" + "9" * 400],
)
async def test_nonsense_in_the_query_is_told_by_name(
    cast: Cast, log: MemoryLog, client: AsyncClient, query: str
) -> None:
    await client.aforce_login(cast.root)
    status, answer = await read(client, f"sources/market/ticks?{query}")
    assert (status, answer["code"]) == (400, "bad")
    assert answer["msg"].startswith(query.split("=")[0] + ": ")


async def test_an_error_of_the_server_is_logged_and_answered_without_its_details(
    cast: Cast, log: MemoryLog, client: AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*args: object) -> None:
        raise ConnectionError("redis://user:password@host is away")

    monkeypatch.setattr(log, "read", fail)
    await client.aforce_login(cast.root)
    status, answer = await read(client, "sources/market/ticks")
    assert (status, answer["code"]) == (500, "internal")
    assert "password" not in answer["msg"]
    assert "ConnectionError" in caplog.text


async def test_latest_gives_the_last_tick_of_each_series_in_the_order_asked_for(
    cast: Cast, log: MemoryLog, client: AsyncClient
) -> None:
    await fill(log, cast.market.pk, [cast.apple.pk, cast.apple.pk], [1.0, 2.5], [None, 7])
    await client.aforce_login(cast.root)
    status, answer = await read(client, f"latest?series={cast.secret.pk},{cast.apple.pk},{cast.apple.pk}")
    assert status == 200
    assert answer == [
        {"id": cast.secret.pk, "src": cast.vault.pk, "seq": None, "t": None, "v": None, "q": None},
        {"id": cast.apple.pk, "src": cast.market.pk, "seq": 2, "t": NOW + 10, "v": 2.5, "q": 7.0},
    ]


async def test_latest_answers_missing_and_forbidden_series_alike(
    cast: Cast, log: MemoryLog, client: AsyncClient
) -> None:
    await client.aforce_login(cast.ana)
    assert (await read(client, f"latest?series={cast.apple.pk}"))[0] == 200
    forbidden = await read(client, f"latest?series={cast.apple.pk},{cast.microsoft.pk}")
    missing = await read(client, f"latest?series={cast.apple.pk},999999")
    assert forbidden == missing
    assert forbidden[0] == 404


@pytest.mark.parametrize("series", ["", "x", "1,", "-1", "1.5", "²", str(2**53), "9" * 500, ",".join("1" * 1001)])
async def test_latest_refuses_what_are_no_ids(cast: Cast, log: MemoryLog, client: AsyncClient, series: str) -> None:
    await client.aforce_login(cast.root)
    status, answer = await read(client, f"latest?series={series}")
    assert status == 400
    assert answer["msg"].startswith("series: ")


@pytest.mark.parametrize("series", ["1" * 17, "9" * 5000, "1,", "\u0661", "-1", "1e3"])
async def test_what_is_no_id_of_a_series_is_refused(cast: Cast, client: AsyncClient, series: str) -> None:
    status, answer = await read(client, f"latest?series={series}")
    assert (status, answer["code"]) == (400, "bad")
