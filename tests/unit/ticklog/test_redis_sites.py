"""Sites that share a place in Redis hear of each other, and of one that is gone no longer."""

from __future__ import annotations

import pytest

from dashboard.ticklog import redis_sites
from dashboard.ticklog.redis_sites import RedisSites


async def test_two_sites_under_one_prefix_hear_of_each_other(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, apart = (RedisSites(redis_url, prefix=prefix) for prefix in ("sites", "sites", "apart"))
    also_one = RedisSites(redis_url, prefix="sites")
    for _ in range(2):
        assert await one.look("first", "wall") == []
        assert await also_one.look("first", "hall") == [], "another process of the same site"
        assert await apart.look("third", "attic") == []
    assert await two.look("second", "cellar") == [], "it may be gone for long"
    assert await one.look("first", "wall") == []
    assert await two.look("second", "cellar") == ["wall"]
    assert await one.look("first", "wall") == ["cellar"]
    assert await one.look("first", "wall") == ["cellar"], "it need not speak as often"
    monkeypatch.setattr(redis_sites, "ALIVE", 0.0)
    assert await one.look("first", "wall") == []
    for each in (one, two, apart, also_one):
        await each.close()
