from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from dashboard.management import viewer
from dashboard.management.commands import tail
from dashboard.management.follower import Remark, Row
from dashboard.models import ApiToken
from tests.unit.commands.fake_site import FakeSite, Script, running
from tests.unit.commands.test_follower import data, gap, rows
from tests.unit.models.cast import Cast, assemble

HELLO = {"t": "hello", "v": 1, "sid": "c", "build": "b", "now": 1, "hb": 10, "spread": 5, "lim": {}}
NAMES = [[101, 42, "AAPL", "Apple", "USD", 2]]
SUBD = {"t": "subd", "id": 1, "series": NAMES, "sources": []}


def snap(epoch: str, seq: int) -> dict[str, Any]:
    return {"t": "snap", "src": 42, "epoch": epoch, "seq": seq, "part": 1, "parts": 1, "rows": rows([]), "k": "s"}


def opening(epoch: str = "e", seq: int = 10) -> Script:
    return [HELLO, SUBD, snap(epoch, seq)]


@pytest.fixture
def cast(db: None) -> Cast:
    return assemble()


@pytest.fixture(autouse=True)
def coming_back_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer.random, "uniform", lambda a, b: 0.0)


@pytest.fixture
def kill_at_first_row(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sends this process a signal once a row is printed: then the command surely listens for it."""

    def arm(number: int) -> None:
        put = tail.Paper.put

        def put_and_kill(paper: tail.Paper, thing: Row | Remark) -> bool:
            wanted = put(paper, thing)
            if isinstance(thing, Row):
                os.kill(os.getpid(), number)
            return wanted

        monkeypatch.setattr(tail.Paper, "put", put_and_kill)

    return arm


def ledger(out: str) -> dict[str, int]:
    found: dict[str, int] = json.loads(out.splitlines()[-1])["ledger"]
    return found


def test_ticks_are_printed_in_columns_with_the_ledger_at_the_end(cast: Cast, capfd: pytest.CaptureFixture[str]) -> None:
    part = rows([101, 101], k=[1, 3], o=[1, 2], h=[1, 2.5], l=[1, 1.5], q=[None, 1200])
    with running(FakeSite([*opening(), data(11, 14, part)])) as site:
        call_command("tail", "market", url=site.url, count=2)
    first, second, last = capfd.readouterr().out.splitlines()
    assert first.split() == ["00:00:01.000", "AAPL", "1.00", "USD"]
    assert second.split() == ["00:00:01.010", "AAPL", "2.00", "USD", "vol", "1,200", "×3", "1.50", "to", "2.50"]  # noqa: RUF001
    assert last == "4 published = 2 shown + 2 merged + 0 gap · 0 unexplained"


def test_it_comes_like_a_browser_of_the_site_with_a_token_that_ends_with_it(cast: Cast) -> None:
    with running(FakeSite([*opening(), data(11, 11, rows([101]))])) as site:
        call_command("tail", "market", url=site.url, count=1, rate=0)
    (headers,) = site.requests
    assert headers["Origin"] == site.url
    assert headers["Authorization"].startswith("Bearer tw_")
    assert headers["Sec-WebSocket-Protocol"] == "tickwall.v1.json"
    assert [message["t"] for message in site.heard[0]] == ["hello", "set", "sub"]
    assert site.heard[0][1]["rate"] == 0
    assert site.heard[0][2]["series"] == [101]
    assert not ApiToken.objects.exists()


def test_its_own_token_sees_the_one_source_for_an_hour(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ApiToken] = []
    issue = ApiToken.issue

    def remember(*args: Any) -> tuple[ApiToken, str]:
        made.append(issue(*args)[0])
        return made[0], "tw_x_y"

    monkeypatch.setattr(ApiToken, "issue", remember)
    with running(FakeSite([*opening(), data(11, 11, rows([101]))])) as site:
        call_command("tail", "market", url=site.url, count=1)
    assert (made[0].scope, made[0].source) == ("read", cast.market)
    assert made[0].expires is not None
    assert 3500 < made[0].expires.timestamp() - time.time() <= 3600


def test_a_lost_connection_is_taken_up_where_it_was(cast: Cast, capfd: pytest.CaptureFixture[str]) -> None:
    bye = {"t": "bye", "code": 4001, "retry": [0, 1], "resume": True, "msg": "The server is restarting"}
    first: Script = [*opening(), data(11, 12, rows([101] * 2)), bye, 4001]
    second: Script = [HELLO, SUBD, data(13, 13, rows([101])), 1011]
    third: Script = [HELLO, SUBD, gap(14, 20), data(21, 21, rows([101]))]
    with running(FakeSite(first, second, third)) as site:
        call_command("tail", "market", url=site.url, count=4, json=True)
    subs = [next(message for message in heard if message["t"] == "sub") for heard in site.heard]
    assert [sub["since"] for sub in subs] == [{}, {"42": ["e", 12]}, {"42": ["e", 13]}]
    out = capfd.readouterr().out
    assert '"gap": [14, 20]' in out
    assert ledger(out) == {
        **{"published": 11, "shown": 4, "merged": 0, "other": 0},
        **{"gap": 7, "overlaps": 0, "unexplained": 0},
    }


def test_a_hole_that_the_server_cannot_fill_ends_in_an_error_and_not_in_silence(
    cast: Cast, capfd: pytest.CaptureFixture[str], kill_at_first_row: Callable[[int], None]
) -> None:
    script: Script = [*opening(), data(12, 12, rows([101])), SUBD, data(12, 12, rows([101]))]
    # The second half is said before the question is heard; the follower waits for the answer either way.
    kill_at_first_row(signal.SIGINT)
    with running(FakeSite(script)) as site, pytest.raises(CommandError, match="does not add up"):
        call_command("tail", "market", url=site.url, json=True)
    assert ledger(capfd.readouterr().out)["unexplained"] == 1
    assert len([message for message in site.heard[0] if message["t"] == "sub"]) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_it_with_the_ledger_and_without_a_token(
    cast: Cast, capfd: pytest.CaptureFixture[str], kill_at_first_row: Callable[[int], None], number: int
) -> None:
    kill_at_first_row(number)
    with running(FakeSite([*opening(), data(11, 11, rows([101]))])) as site:
        call_command("tail", "market", url=site.url, json=True)
    assert ledger(capfd.readouterr().out)["shown"] == 1
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            [HELLO, {"t": "bye", "code": 4500, "retry": None, "resume": False, "msg": "You are signed out"}],
            "signed out",
        ),
        ([HELLO, {"t": "err", "id": 1, "code": "not_found", "msg": "There is nothing here"}], "nothing here"),
        ([HELLO, 4503], "4503"),
        ([HELLO, {"t": "d", "d": 3}], "not the protocol"),
        ([HELLO, {"no": "type"}], "not the protocol"),
    ],
)
def test_what_makes_no_sense_to_repeat_ends_it_with_the_reason(cast: Cast, script: Script, words: str) -> None:
    with running(FakeSite(script)) as site, pytest.raises(CommandError, match=words):
        call_command("tail", "market", url=site.url)
    assert len(site.heard) == 1


def test_texts_cannot_command_the_terminal(cast: Cast, capfd: pytest.CaptureFixture[str]) -> None:
    part = {**rows([101]), "v": ["\x1b]0;owned\x07open"]}
    with running(FakeSite([*opening(), data(11, 11, part)])) as site:
        call_command("tail", "market", url=site.url, count=1)
    out = capfd.readouterr().out
    assert "\x1b" not in out
    assert "owned" in out


def test_a_source_without_series_is_told(cast: Cast) -> None:
    site = FakeSite()
    site.series = []
    with running(site), pytest.raises(CommandError, match="no series yet"):
        call_command("tail", "market", url=site.url)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "http://127.0.0.1:1"}, "Is the site running"),
        ({"url": "nonsense"}, "no address of a site"),
        ({"url": "http://host:99999"}, "no address of a site"),
        ({"url": "http://[::1"}, "no address of a site"),
        ({"url": "ftp://host"}, "no address of a site"),
        ({"rate": -1.0}, "--rate"),
        ({"rate": float("nan")}, "--rate"),
        ({"count": 0}, "--count"),
    ],
)
def test_bad_options_are_told(cast: Cast, options: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("tail", "market", **options)
    assert not ApiToken.objects.exists()


def test_a_source_that_does_not_exist_is_told(cast: Cast) -> None:
    with pytest.raises(CommandError, match="There is no source nothing"):
        call_command("tail", "nothing")
