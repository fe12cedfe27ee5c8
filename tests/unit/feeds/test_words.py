from __future__ import annotations

import json

import pytest

from dashboard.feeds.base import FeedError
from dashboard.feeds.words import ERROR_CHARACTERS, count, elapsed, hide, one_line, plain, remaining, span


def test_words_meant_for_people_are_shown_as_they_are() -> None:
    assert plain(FeedError("HTTP 503 from example.org")) == "HTTP 503 from example.org"


def test_other_errors_are_shown_with_their_type() -> None:
    assert plain(KeyError("price")) == "KeyError: 'price'"
    assert plain(ZeroDivisionError()) == "ZeroDivisionError"
    assert plain(TimeoutError()) == "timed out"


def test_a_login_in_a_url_is_hidden() -> None:
    assert plain(ValueError("no answer from mqtt://ana:secret@broker:1883/x")).endswith("mqtt://…@broker:1883/x")


def test_a_secret_is_hidden_however_it_is_written_and_wherever_the_line_is_cut() -> None:
    secret = "p&ss wörd'"
    error = ValueError(f"GET /?k=p%26ss%20w%C3%B6rd%27&l=p%26ss+w%C3%B6rd%27 {secret} {[secret]}")
    assert plain(error, [secret]) == "ValueError: GET /?k=…&l=… … ['…']".replace("['…']", '["…"]')
    quoted = 'say "wörd" \\ twice'
    for written in (json.dumps(quoted), json.dumps(quoted, ensure_ascii=False)):
        assert hide(written, [quoted]) == '"…"', "as a server that sends it back as JSON writes it"
    assert "p&ss" not in plain(ValueError("x" * (ERROR_CHARACTERS - 16) + secret), [secret])
    assert hide("a 123 b", ["123", ""]) == "a 123 b", "what is so short is no secret, and would be told by its absence"


def test_a_message_is_one_short_line_that_can_be_sent() -> None:
    line = one_line("a\nb\x00c\ud800" + "x" * 100_000)
    assert line.startswith("a b c?")
    assert len(line) == ERROR_CHARACTERS
    line.encode()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "0.5 s"), (12, "12 s"), (119, "119 s"), (180, "3 min"), (86_400, "24 h")]
)
def test_spans_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_growing_spans_round_down_and_shrinking_ones_up_in_steps() -> None:
    assert [elapsed(seconds) for seconds in (3.9, 14.0, 59.0, 89.0)] == ["3 s", "10 s", "55 s", "60 s"]
    assert [remaining(seconds) for seconds in (0.0, 0.2, 3.2, 11.0, 29.1)] == ["1 s", "1 s", "4 s", "15 s", "30 s"]


def test_numbers_have_nouns() -> None:
    assert [count(number, "tick") for number in (0, 1, 9000)] == ["0 ticks", "1 tick", "9,000 ticks"]
