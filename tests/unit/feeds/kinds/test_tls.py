"""Tests that sources check the certificate of whoever they ask, for the name they asked for and not for its address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import aiohttp.connector
import pytest
from redis.asyncio import Redis

from dashboard.feeds import registry
from dashboard.feeds.base import Feed, FeedError
from dashboard.feeds.registry import validated
from tests.support.proxy import Certificate
from tests.support.services import free_port, redis_server
from tests.support.unruly import Unruly


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate.make(tmp_path)


@pytest.fixture
async def guarded(certificate: Certificate, local_addresses: None) -> AsyncIterator[Unruly]:
    it = Unruly(certificate.serve())
    it.greeting = ['{"a": 1}']
    await it.start()
    yield it
    await it.stop()


def feed(kind: str, url: str, **config: Any) -> Feed[Any]:
    feed_class = registry.kind(kind)
    one = feed_class(validated(feed_class, {"url": url, **config}))
    one.memory = {}
    return one


async def first(one: Feed[Any]) -> Any:
    """Returns the first value that a feed gives."""
    async with asyncio.timeout(20), aclosing(one.run()) as batches:  # type: ignore[type-var]
        async for batch in batches:
            if len(batch.keys):
                return batch.values[0]


KINDS = [("http", "http", "/json"), ("websocket", "ws", "/socket")]


@pytest.mark.parametrize(("kind", "scheme", "path"), KINDS)
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    guarded: Unruly, kind: str, scheme: str, path: str
) -> None:
    with pytest.raises(FeedError, match=r"certificate of “127\.0\.0\.1” is not good: self-signed certificate"):
        await first(feed(kind, guarded.url(path, scheme)))
    assert not guarded.requests
    assert await first(feed(kind, guarded.url(path, scheme), verify=False)) == 1


@pytest.mark.parametrize(("kind", "scheme", "path"), KINDS)
async def test_a_good_certificate_counts_for_its_own_name_only(
    guarded: Unruly, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, kind: str, scheme: str, path: str
) -> None:
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", certificate.trust())
    url = guarded.url(path, scheme)
    assert await first(feed(kind, url)) == 1
    # The same address, under a name that is not in the certificate.
    with pytest.raises(FeedError, match="certificate of “localhost” is not good: Hostname mismatch"):
        await first(feed(kind, url.replace("127.0.0.1", "localhost")))


async def test_redis_over_tls(certificate: Certificate, local_addresses: None, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with redis_server() as plain:
        async with Redis.from_url(plain) as client:
            files = {"tls-cert-file": certificate.path, "tls-key-file": certificate.key}
            await client.config_set("tls-auth-clients", "no")  # type: ignore[no-untyped-call]
            await client.execute_command("CONFIG", "SET", *(str(word) for pair in files.items() for word in pair))
            await client.config_set("tls-port", port)  # type: ignore[no-untyped-call]
            await client.xadd("plant", {"n": 1})
            await client.xadd("plant", {"n": 2})
        config = {"name": "plant", "start": "oldest"}
        with pytest.raises(FeedError, match="self-signed certificate"):
            await first(feed("redis", f"rediss://127.0.0.1:{port}", **config))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        assert await first(feed("redis", f"rediss://127.0.0.1:{port}", **config)) == 1
        with pytest.raises(FeedError, match="“localhost” is not good: Hostname mismatch"):
            await first(feed("redis", f"rediss://localhost:{port}", **config))
