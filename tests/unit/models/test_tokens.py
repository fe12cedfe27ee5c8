from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dashboard.models import ApiToken

pytestmark = pytest.mark.django_db


def test_only_a_hash_of_the_secret_is_kept() -> None:
    token, text = ApiToken.issue("robot", "read")
    secret = text.split("_", 2)[2]
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert secret not in "".join(str(value) for value in row.values())
    assert len(secret) >= 43


def test_a_token_that_is_used_remembers_when() -> None:
    token, text = ApiToken.issue("robot", "read")
    assert token.last_used is None
    assert ApiToken.check_text(text) == token
    token.refresh_from_db()
    assert token.last_used is not None


def test_a_check_writes_once_a_minute_at_most(django_assert_num_queries: Any) -> None:
    token, text = ApiToken.issue("robot", "read")
    with django_assert_num_queries(2):
        ApiToken.check_text(text)
    with django_assert_num_queries(1):
        ApiToken.check_text(text)
    before = timezone.now() - timedelta(minutes=2)
    ApiToken.objects.update(last_used=before)
    ApiToken.check_text(text)
    token.refresh_from_db()
    assert token.last_used is not None
    assert token.last_used > before


def test_an_expired_or_revoked_token_does_not_hold() -> None:
    _, expired = ApiToken.issue("robot", "read", lifetime=timedelta(seconds=-1))
    revoked_token, revoked = ApiToken.issue("robot", "read")
    revoked_token.revoked = True
    revoked_token.save()
    assert ApiToken.check_text(expired) is None
    assert ApiToken.check_text(revoked) is None


def test_nothing_but_the_whole_text_holds() -> None:
    _, text = ApiToken.issue("robot", "read")
    for wrong in ("", "tw_", text[:-1], text + "x", text[3:], text.upper(), "TW" + text[2:], "\x00", "tw_\x00_ß"):
        assert ApiToken.check_text(wrong) is None, wrong
