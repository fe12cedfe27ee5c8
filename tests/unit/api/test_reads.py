from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from dashboard.models import ApiToken, SourceStatus
from dashboard.protocol.messages import SourceState
from dashboard.ticklog.memory import MemoryLog
from tests.unit.api.test_ticks import read
from tests.unit.models.cast import Cast


async def test_a_session_says_who_is_signed_in(cast: Cast, client: AsyncClient) -> None:
    status, answer = await read(client, "session")
    assert (status, answer["code"]) == (401, "unauthorized")
    await client.aforce_login(cast.cy)
    assert await read(client, "session") == (200, {"user": "cy", "signed_in": True, "staff": False, "token": None})
    cast.cy.is_active = False
    await cast.cy.asave()
    assert (await read(client, "session"))[0] == 401


async def test_a_token_says_what_it_is_for(cast: Cast, client: AsyncClient) -> None:
    _, text = await sync_to_async(ApiToken.issue)("robot", "ingest", cast.market)
    _, answer = await read(client, "session", authorization=f"bearer {text}")
    assert answer["token"] == {"name": "robot", "scope": "ingest", "src": cast.market.pk}
    assert answer["user"] is None


async def test_sources_come_with_the_state_that_the_worker_published(
    cast: Cast, log: MemoryLog, client: AsyncClient
) -> None:
    await log.publish({cast.market.pk: SourceState("late", 1000, 900, 1.5, "overdue")}, "ana")
    await client.aforce_login(cast.ana)
    _, answer = await read(client, "sources")
    assert answer == [
        {
            **{"id": cast.market.pk, "slug": "market", "name": "Market", "kind": "simulated"},
            **{"cadence": 0.5, "enabled": True},
            **{"state": "late", "since": 1000, "last": 900, "hz": 1.5, "msg": "overdue"},
        }
    ]


async def test_without_a_published_state_the_kept_one_is_told(cast: Cast, log: MemoryLog, client: AsyncClient) -> None:
    await client.aforce_login(cast.root)
    _, answer = await read(client, "sources")
    assert [source["state"] for source in answer] == ["starting", "starting"]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    await SourceStatus.objects.acreate(source=cast.market, state="down", since=moment, message="gone", hz=0.0)
    cast.vault.enabled = False
    await cast.vault.asave()
    _, (market, vault) = await read(client, "sources")
    assert (market["state"], market["since"], market["last"], market["msg"]) == ("down", 1767225600000, None, "gone")
    assert vault["state"] == "stopped"


async def test_series_are_those_that_one_may_see(cast: Cast, client: AsyncClient) -> None:
    await client.aforce_login(cast.ana)
    apple = {
        **{"id": cast.apple.pk, "src": cast.market.pk, "source": "market", "key": "AAPL"},
        **{"label": "Apple", "unit": "USD", "decimals": 2, "text": False},
    }
    assert await read(client, "series?source=market") == (200, [apple])
    assert await read(client, "series") == (200, [apple])
    await client.aforce_login(cast.root)
    _, answer = await read(client, "series?source=market")
    assert [series["key"] for series in answer] == ["AAPL", "MSFT"]


@pytest.mark.parametrize("slug", ["vault", "nothing", "%00", "market%00", "%F0%9F%A6%86", "a" * 3000])
async def test_series_of_missing_and_forbidden_sources_are_answered_alike(
    cast: Cast, log: MemoryLog, client: AsyncClient, slug: str
) -> None:
    await client.aforce_login(cast.ana)
    answers: list[Any] = [await read(client, f"series?source={slug}"), await read(client, f"sources/{slug}/ticks")]
    assert {status for status, _ in answers} == {404}
    assert {answer["code"] for _, answer in answers} == {"not_found"}


async def test_dashboards_are_those_that_one_may_open(cast: Cast, client: AsyncClient) -> None:
    assert await read(client, "dashboards") == (200, [])
    await client.aforce_login(cast.ben)
    _, (board,) = await read(client, "dashboards")
    assert (board["slug"], board["title"], board["url"]) == ("board", "Board", "/d/board/")


async def test_answers_are_kept_in_no_cache_and_errors_say_how_to_come_in(cast: Cast, client: AsyncClient) -> None:
    for path in ("session", "dashboards", "series?source=nothing"):
        assert (await client.get(f"/api/v1/{path}")).headers["Cache-Control"] == "no-store"
    assert (await client.get("/api/v1/session")).headers["WWW-Authenticate"] == "Bearer"


async def test_the_api_describes_itself(cast: Cast, client: AsyncClient) -> None:
    described = (await client.get("/api/v1/openapi.json")).json()
    assert {path.removeprefix("/api/v1/") for path in described["paths"]} >= {
        *("session", "sources", "series", "dashboards", "latest", "sources/{slug}/ticks")
    }


async def test_the_page_of_the_api_is_complete_without_a_script_or_another_site(
    cast: Cast, client: AsyncClient
) -> None:
    response = await client.get("/api/v1/docs")
    page = response.content.decode()
    assert response.status_code == 200
    for path in ("session", "sources", "series", "dashboards", "latest", "sources/{slug}/ticks"):
        assert f"GET /api/v1/{path}</code>" in page
    assert "integer, 1 to 10,000, else 1000" in page
    assert "&quot;epoch&quot;: &quot;Qk3x&quot;" in page
    assert "&quot;decimals&quot;: &quot;integer or null&quot;" in page
    assert "<script" not in page
    assert "https://" not in page
