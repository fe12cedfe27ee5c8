"""Finds out whether several sites, each with a database of its own, write into the same place of one Redis."""

from __future__ import annotations

import time

from dashboard.ticklog.redis_link import answer_of, asking, connect

PATIENCE = 2.0
# Seconds after which a site that has said nothing counts as gone.
ALIVE = 10.0


class RedisSites:
    """The sites that say that they are there, under one prefix. Times are this process's own: two clocks that are far
    apart cost a warning at worst, so what each site says need only change."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self._redis = connect(url, PATIENCE, 1)
        self._key = f"{prefix}:sites"
        # What each of the others said last, and when that was new here.
        self._heard: dict[str, tuple[str, float]] = {}
        self._beats = 0

    async def look(self, site: str, name: str) -> list[str]:
        """Says that the site is there, under a name for people, and returns the names of all others that say so."""
        self._beats += 1
        async with asking():
            await answer_of(self._redis.hset(self._key, site, f"{self._beats} {name}"))
            await answer_of(self._redis.expire(self._key, 60))
            found = await answer_of(self._redis.hgetall(self._key))
        said = {other.decode(): words.decode() for other, words in found.items() if other != site.encode()}
        return [words.partition(" ")[2] for other, words in said.items() if self._is_news(other, words)]

    def _is_news(self, site: str, words: str) -> bool:
        """Tells whether a site has spoken lately; what it had said before this process began to listen is no sign."""
        now = time.monotonic()
        before, at = self._heard.setdefault(site, (words, float("-inf")))
        if words != before:
            self._heard[site] = words, now
            return True
        return now - at < ALIVE

    async def close(self) -> None:
        await self._redis.aclose()
