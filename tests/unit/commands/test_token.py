from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from dashboard.models import ApiToken
from tests.unit.models.cast import Cast, assemble


@pytest.fixture
def cast(db: None) -> Cast:
    return assemble()


def test_a_token_is_printed_alone_so_that_a_script_can_take_it(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("token", "add", "robot", scope="read", source="market", days=2)
    out, err = capsys.readouterr()
    token = ApiToken.check_text(out.strip())
    assert token is not None
    assert (token.name, token.scope, token.source) == ("robot", "read", cast.market)
    assert "not be shown again" in err


def test_the_list_shows_no_secret(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    token, text = ApiToken.issue("robot", "ingest", cast.market)
    call_command("token", "list")
    out = capsys.readouterr().out
    assert token.lookup in out
    assert text.split("_", 2)[2] not in out
    assert token.digest not in out


def test_a_token_is_revoked_by_its_name_or_its_id(cast: Cast) -> None:
    _, text = ApiToken.issue("robot", "read")
    call_command("token", "revoke", "robot")
    assert ApiToken.check_text(text) is None
    (one, text_one), (_, text_two) = ApiToken.issue("twin", "read"), ApiToken.issue("twin", "read")
    with pytest.raises(CommandError, match="2 tokens are called twin"):
        call_command("token", "revoke", "twin")
    call_command("token", "revoke", one.lookup)
    assert ApiToken.check_text(text_one) is None
    assert ApiToken.check_text(text_two) is not None


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (["add", "x"], {"scope": "read", "source": "nothing"}, "no source nothing"),
        (["add", "x"], {"scope": "everything"}, "invalid choice"),
        (["add", "x"], {"scope": "read", "days": 0.0}, "--days"),
        (["add", "x"], {"scope": "read", "days": float("nan")}, "--days"),
        (["add", "x"], {"scope": "read", "days": 1e12}, "--days"),
        (["add", ""], {"scope": "read"}, "1 to 100 characters"),
        (["revoke", "nothing"], {}, "no token nothing"),
    ],
)
def test_what_makes_no_sense_is_told(cast: Cast, arguments: list[str], options: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("token", *arguments, **options)
    assert not ApiToken.objects.exists()
