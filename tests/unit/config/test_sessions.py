from __future__ import annotations

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client


@pytest.mark.parametrize("key", ["abcdefghij\0", "abc", "", "\u0661" * 32, "a b c d e f g h", "abcdefgh\xff"])
def test_what_is_no_key_is_not_looked_for(key: str) -> None:
    # Without a fixture of the database: a query would fail.
    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    assert store.get("_auth_user_id") is None


def test_a_session_is_kept_as_ever(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("cy"))
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert Session.objects.filter(pk=key).exists()
    assert import_module(settings.SESSION_ENGINE).SessionStore(key).get("_auth_user_id") is not None
