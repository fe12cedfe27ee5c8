"""The private servers of the tests are real ones."""

from __future__ import annotations

import psycopg
import pytest
import redis

from tests.support import services


def test_redis_answers_and_forgets_when_it_stops() -> None:
    with services.redis_server() as url, redis.Redis.from_url(url) as client:
        assert client.xadd("log", {"tick": "1"})
        assert client.xlen("log") == 1
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(url) as client:
        client.ping()


def test_postgres_answers_with_an_empty_database_of_its_own() -> None:
    with services.postgres_server() as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("tickwall",)
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
        connection.close()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


def test_a_server_that_does_not_start_shows_its_log(tmp_path, monkeypatch) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\necho no memory left on this planet\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with (
        pytest.raises(services.ServerFailed, match=r"(?s)exited with 3.*no memory left on this planet"),
        services.redis_server(),
    ):
        pytest.fail("it cannot have started")


def test_two_servers_stand_side_by_side() -> None:
    with services.redis_server() as one, services.redis_server() as other:
        assert one != other
