"""Tests that whoever tries a source sees what could not be read, and nothing that he may not."""

from __future__ import annotations

import json

from dashboard.feeds import reach
from dashboard.feeds.base import SourceSpec
from dashboard.feeds.extract import MOST_ITEMS, Extraction, Extractor
from dashboard.feeds.payload import quoting
from dashboard.feeds.trial import trial
from tests.support.unruly import Unruly

SECRET = 'open "sesame" 8471'


def source(url: str, **config: object) -> SourceSpec:
    picked = {"url": url, "interval": 0.2, "auth": "bearer", "series": [{"path": "main.temp"}], **config}
    return SourceSpec(0, "kitchen", "http", picked, 1.0, secrets={"token": SECRET})


async def said(spec: SourceSpec) -> str:
    good, words = (await trial(spec, seconds=1.0)).verdict()
    assert not good
    return words


async def test_a_payload_without_what_was_looked_for_is_quoted_without_the_secret(unruly: Unruly) -> None:
    unruly.answer = unruly.with_text(json.dumps({"main": {"tmp": 21.5}, "token": SECRET, "rest": "x" * 100_000}))
    words = await said(source(unruly.url("/json")))
    assert "nothing found at “main.temp”" in words
    assert "{main: {tmp: number}, token: text, rest: text}" in words
    assert '“{"main":{"tmp":21.5},"token":"…","rest":"xxx' in words
    assert "sesame" not in words
    assert len(words) < 600


async def test_what_is_no_json_is_quoted_as_well(unruly: Unruly) -> None:
    unruly.answer = unruly.with_text("<h1>Down for maintenance</h1>")
    assert "this is not JSON: “<h1>Down for maintenance</h1>”" in await said(source(unruly.url("/json")))


async def test_of_a_host_that_must_not_be_reached_nothing_is_asked_and_nothing_quoted(unruly: Unruly) -> None:
    unruly.answer = unruly.with_text('{"role": "admin of the cloud"}')
    reach.allow([])
    words = await said(source(unruly.url("/json")))
    assert "sources may not reach" in words
    assert "cloud" not in words
    assert unruly.requests == []


async def test_a_redirect_to_such_a_host_quotes_nothing_either(unruly: Unruly) -> None:
    unruly.answer = unruly.to("http://169.254.169.254/latest/meta-data/")
    words = await said(source(unruly.url("/json"), redirects=True))
    assert "no source may reach" in words


async def test_a_running_source_never_quotes_a_value() -> None:
    rows = [{"name": "hunter2"}] * (MOST_ITEMS // 10)
    reader = Extractor(Extraction.model_validate({"items": "rows", "series": [{"path": "v"}]}))
    assert "hunter2" not in repr(reader.batch({"rows": rows}).refused)
    quoted = quoting.set(True)
    try:
        assert "hunter2" in repr(reader.batch({"rows": rows}).refused)
    finally:
        quoting.reset(quoted)
