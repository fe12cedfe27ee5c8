from __future__ import annotations

import json
import tracemalloc
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from dashboard.feeds import reach, registry
from dashboard.feeds.base import Feed, FeedError
from dashboard.feeds.kinds.http import HttpFeed
from dashboard.feeds.registry import BadConfig, validated
from dashboard.feeds.web import BODY_BYTES, _elsewhere
from tests.support.unruly import Unruly
from tests.unit.feeds.cast import Bench, Running, until
from tests.unit.feeds.kinds.reading import error, first


def feed(unruly: Unruly, **config: Any) -> HttpFeed:
    given = {"url": unruly.url("/json"), "interval": 0.2, **config}
    return HttpFeed(validated(HttpFeed, given))  # type: ignore[arg-type]


async def test_it_fetches_again_and_again(unruly: Unruly) -> None:
    one = feed(unruly)
    batches = one.run()
    async with aclosing(batches):  # type: ignore[type-var]
        for value in (1.0, 2.5):
            unruly.value = value
            assert list((await anext(batches)).values) == [value]
    assert unruly.requests[0].method == "GET"


async def test_what_is_sent_is_what_was_asked_for(unruly: Unruly) -> None:
    unruly.answer = unruly.with_text('{"a": 3}')
    config = {"method": "POST", "body": '{"q": 1}', "headers": {"Content-Type": "application/json", "X-Plant": "7"}}
    await first(feed(unruly, **config))
    asked = unruly.requests[0]
    assert (asked.method, unruly.bodies[0], asked.headers["X-Plant"]) == ("POST", '{"q": 1}', "7")
    assert asked.headers["User-Agent"] == "Tickwall"


@pytest.mark.parametrize(
    ("config", "header", "value"),
    [
        ({"auth": "basic", "username": "ann", "password": "sesame"}, "Authorization", "Basic YW5uOnNlc2FtZQ=="),
        ({"auth": "bearer", "token": "sesame"}, "Authorization", "Bearer sesame"),
        ({"auth": "header", "token": "sesame"}, "X-API-Key", "sesame"),
        ({"auth": "header", "token": "sesame", "token_name": "X-Key"}, "X-Key", "sesame"),
    ],
)
async def test_credentials_are_sent(unruly: Unruly, config: Any, header: str, value: str) -> None:
    await first(feed(unruly, **config))
    assert unruly.requests[0].headers[header] == value


async def test_a_token_may_be_sent_in_the_query(unruly: Unruly) -> None:
    config = {"auth": "query", "token": "a&b", "token_name": "appid", "url": unruly.url("/json?q=1#x")}
    await first(feed(unruly, **config))
    assert dict(unruly.requests[0].query) == {"q": "1", "appid": "a&b"}


@pytest.mark.parametrize("auth", ["basic", "bearer", "header", "query"])
async def test_a_secret_that_is_not_set_is_said_and_nothing_is_sent(unruly: Unruly, auth: str) -> None:
    assert (await error(feed(unruly, auth=auth))).endswith("is not set")
    assert unruly.requests == []


async def test_what_has_not_changed_is_not_fetched_again_and_still_holds(unruly: Unruly) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"7"':
            return web.Response(status=304)
        return web.json_response({"a": 5}, headers={"ETag": '"7"', "Last-Modified": "yesterday"})

    unruly.answer = answer
    assert [list(batch.values) for batch in await first(feed(unruly), 3)] == [[5.0]] * 3
    assert unruly.requests[2].headers["If-Modified-Since"] == "yesterday"


async def test_values_of_the_same_time_are_no_news(unruly: Unruly) -> None:
    rows = [{"t": 1795000000, "a": 1}]

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(rows)

    unruly.answer = answer
    batches = feed(unruly, items="@", time="t", item_key="'x'", series=[{"path": "a"}]).run()
    async with aclosing(batches):  # type: ignore[type-var]
        assert list((await anext(batches)).values) == [1.0]
        assert list((await anext(batches)).values) == []
        rows.append({"t": 1795000001, "a": 2})
        assert list((await anext(batches)).values) == [2.0]


async def test_every_bad_answer_is_said_in_words(unruly: Unruly) -> None:
    expected = {
        "the server answered 500 Internal Server Error": unruly.with_text("{}", 500),
        "the server answered 404 Not Found": unruly.with_text("{}", 404),
        "the server answered 304 Not Modified": unruly.with_text("", 304),
        "this is not JSON: “<html>broken”": unruly.with_text("<html>broken"),
        "this is not JSON: it is empty": unruly.with_text(""),
        "the answer ended too soon": unruly.half,
        "“127.0.0.1” closed the connection without an answer": unruly.not_at_all,
        "the answer is longer than 1 MiB": unruly.with_text("[" + "1," * BODY_BYTES + "1]"),
        "the answer cannot be unpacked": unruly.with_bytes(b"no gzip", Content_Encoding="gzip"),
        "the answer is packed in a way that nobody asked for": unruly.with_bytes(b"x", Content_Encoding="br"),
    }
    for words, answer in expected.items():
        unruly.answer = answer
        assert await error(feed(unruly)) == words


async def test_a_bomb_does_not_go_off(unruly: Unruly) -> None:
    unruly.answer = unruly.bomb()
    tracemalloc.start()
    try:
        assert await error(feed(unruly)) == "the answer is longer than 1 MiB"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


async def test_who_does_not_answer_is_given_up(unruly: Unruly) -> None:
    unruly.answer = unruly.slowly
    assert await error(feed(unruly, timeout=0.1)) == "“127.0.0.1” did not answer within 0.1 s"


async def test_nobody_there_is_said(unruly: Unruly) -> None:
    await unruly.stop()
    assert await error(feed(unruly)) == "“127.0.0.1” cannot be reached: Connection refused"


async def test_who_asks_to_be_left_alone_is(unruly: Unruly) -> None:
    unruly.answer = unruly.with_text("", 429, **{"Retry-After": "17"})
    with pytest.raises(FeedError) as caught:
        await first(feed(unruly))
    assert caught.value.retry_after == 17.0


async def test_redirects_are_off_and_say_where_they_lead(unruly: Unruly) -> None:
    unruly.answer = unruly.to("/other?token=sesame")
    assert await error(feed(unruly)) == "the server redirects to http://127.0.0.1, and redirects are not allowed here"
    assert len(unruly.requests) == 1


async def test_up_to_three_redirects_are_followed_when_allowed(unruly: Unruly) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        step = int(request.query.get("n", "0"))
        return await (unruly.plainly if step == 3 else unruly.to(f"/json?n={step + 1}"))(request)

    unruly.answer = answer
    assert list((await first(feed(unruly, redirects=True)))[0].values) == [1.0]
    unruly.answer = unruly.to("/json")
    assert await error(feed(unruly, redirects=True)) == "the server redirects more than 3 times"


async def test_credentials_and_bodies_go_to_no_other_server(unruly: Unruly) -> None:
    other = Unruly()
    await other.start()
    try:
        unruly.answer = unruly.to(other.url("/json"))
        config = {"redirects": True, "auth": "header", "token": "sesame", "headers": {"X-Plant": "7"}}
        await first(feed(unruly, **config))
        assert {"X-API-Key", "X-Plant"}.isdisjoint(other.requests[0].headers)
        assert unruly.requests[0].headers["X-API-Key"] == "sesame"
        unruly.answer = unruly.to(other.url("/json"), 307)
        assert "is not sent the body" in await error(feed(unruly, method="POST", body="sesame", redirects=True))
        assert len(other.requests) == 1
    finally:
        await other.stop()


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest", "http://10.0.0.1/", "file:///etc/passwd", "gopher://x/"]
)
async def test_a_redirect_leads_nowhere_else_either(unruly: Unruly, location: str) -> None:
    unruly.answer = unruly.to(location)
    with pytest.raises(reach.Forbidden):
        await first(feed(unruly, redirects=True))


def test_nothing_goes_from_https_to_http() -> None:
    url = "https://plant.example/a"
    answer: Any = SimpleNamespace(headers={"Location": "http://plant.example/a"})
    with pytest.raises(FeedError, match="from https to http"):
        _elsewhere(answer, url, reach.target(url), 3)
    answer.headers = {"Location": "//other.example/b"}
    assert _elsewhere(answer, url, reach.target(url), 3) == "https://other.example/b"


async def test_a_careless_server_makes_no_secret_known(unruly: Unruly) -> None:
    unruly.answer = unruly.echo
    for auth in ("basic", "bearer", "header", "query"):
        config = {"auth": auth, "username": "ann", "password": "sesame-open", "token": "sesame-open"}
        said = await error(feed(unruly, **config))
        assert said.startswith("this is not JSON")
        assert not {"sesame", "c2VzYW1l"} & {said[at : at + size] for size in (6, 8) for at in range(len(said))}


@pytest.mark.parametrize(
    ("field", "config"),
    [
        ("url", {"url": "ftp://plant.example/"}),
        ("url", {"url": "http://ann:sesame@plant.example/"}),
        ("headers", {"headers": {"Authorization": "x"}}),
        ("headers", {"headers": {"X-A": "b\r\nHost: x"}}),
        ("headers", {"headers": {"X A": "b"}}),
        ("token_name", {"token_name": "a b"}),
        ("interval", {"interval": 0}),
        ("timeout", {"timeout": 11}),
        ("time", {"time": "["}),
    ],
)
def test_a_bad_config_is_an_error_on_its_field(field: str, config: dict[str, Any]) -> None:
    with pytest.raises(BadConfig) as caught:
        validated(HttpFeed, {"url": "https://plant.example/", **config})
    assert [name for name, _ in caught.value.fields] == [field]
    assert "sesame" not in str(caught.value)


async def test_a_server_with_more_values_than_series_is_told_so(unruly: Unruly) -> None:
    class Open(Bench):
        def kind_of(self, name: str) -> type[Feed[Any]]:
            return registry.kind(name)

    unruly.answer = unruly.with_text(json.dumps({f"k{number}": number for number in range(50)}))
    bench = Open()
    config = {"url": unruly.url("/json"), "interval": 0.2}
    async with Running(bench.runner(bench.spec("http", config=config, max_series=20, cadence=0.2))):
        await until(lambda: "degraded" in bench.states(), 20)
    assert len(bench.ids) == 20
    assert "unknown series (30 keys beyond the limit of 20)" in bench.last().msg
