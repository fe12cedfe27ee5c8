"""Tests how secrets of sources are sealed, opened, and sealed anew."""

from __future__ import annotations

import json
import logging
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection

from dashboard.management.commands import rotate_secrets
from dashboard.models import DataSource, secrets
from dashboard.models.secrets import NoKey, Unreadable, key_file, keys, seal, unseal

PLANTED = {"password": "correct horse", "token": "näßlich"}
OLD, NEW = (Fernet.generate_key().decode() for _ in "12")


def test_what_is_sealed_is_opened_again_and_tells_nothing_by_itself(settings: Any) -> None:
    settings.TICKWALL_SECRET_KEYS = [OLD]
    sealed = seal(PLANTED)
    assert "horse" not in sealed
    assert unseal(sealed) == PLANTED
    assert seal(PLANTED) != sealed
    assert (seal({}), unseal("")) == ("", {})


def test_the_first_key_seals_and_all_of_them_open(settings: Any) -> None:
    settings.TICKWALL_SECRET_KEYS = [OLD]
    sealed = seal(PLANTED)
    settings.TICKWALL_SECRET_KEYS = [NEW, OLD]
    assert unseal(sealed) == PLANTED
    assert json.loads(Fernet(NEW).decrypt(seal(PLANTED).encode())) == PLANTED
    settings.TICKWALL_SECRET_KEYS = [NEW]
    with pytest.raises(Unreadable, match="enter them again"):
        unseal(sealed)


def test_neither_the_database_nor_the_secret_key_of_the_site_opens_them(settings: Any) -> None:
    sealed = seal(PLANTED)
    settings.VAR_DIR = settings.VAR_DIR / "elsewhere"
    with pytest.raises(Unreadable):
        unseal(sealed)
    with pytest.raises((InvalidToken, ValueError)):
        Fernet(settings.SECRET_KEY).decrypt(sealed.encode())


def test_a_site_on_sqlite_makes_its_key_when_it_needs_one_and_says_so(
    private_var: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        sealed = seal(PLANTED)
        seal(PLANTED)
    assert [record.message for record in caplog.records if str(private_var) in record.message] == [
        f"A key for the secrets of sources was made: {key_file()}. Keep a copy of it apart from the database, "
        "for without it they cannot be read."
    ]
    assert key_file().stat().st_mode & 0o777 == 0o600
    assert unseal(sealed) == PLANTED
    assert not [name for name in private_var.iterdir() if name != key_file()]


def test_to_look_makes_no_key() -> None:
    with pytest.raises(Unreadable):
        unseal("gAAAAABk")
    assert not key_file().exists()


def test_elsewhere_a_missing_key_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    with pytest.raises(NoKey, match=r"TICKWALL_SECRET_KEYS is empty.*rotate_secrets --new-key"):
        seal(PLANTED)
    assert not key_file().exists()


def rotated(*arguments: str) -> str:
    said = StringIO()
    call_command("rotate_secrets", *arguments, stdout=said, stderr=said)
    return said.getvalue()


def stored(slug: str) -> DataSource:
    return DataSource.objects.create(name=slug, slug=slug, kind="simulated", secrets=seal(PLANTED))


@pytest.mark.django_db
def test_secrets_are_sealed_anew_with_the_first_key(settings: Any) -> None:
    settings.TICKWALL_SECRET_KEYS = [OLD]
    cellar, attic = stored("cellar"), stored("attic")
    DataSource.objects.create(name="plain", slug="plain", kind="simulated")
    settings.TICKWALL_SECRET_KEYS = [NEW, OLD]
    assert "2 sources sealed anew" in rotated()
    settings.TICKWALL_SECRET_KEYS = [NEW]
    for row in (cellar, attic):
        before = row.updated
        row.refresh_from_db()
        assert unseal(row.secrets) == PLANTED
        assert row.updated == before, "a form that is open is not stale by this"


@pytest.mark.django_db
def test_what_no_key_opens_is_named_and_the_rest_is_done(settings: Any) -> None:
    settings.TICKWALL_SECRET_KEYS = [OLD]
    lost = stored("lost")
    settings.TICKWALL_SECRET_KEYS = [NEW]
    stored("found")
    with pytest.raises(CommandError, match=r"1 source sealed anew. No key opens the secrets of: lost\."):
        rotated()
    sealed = lost.secrets
    lost.refresh_from_db()
    assert lost.secrets == sealed


@pytest.mark.django_db
def test_the_file_gets_a_new_key_before_the_old_one(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TICKWALL_SECRET_KEYS = []
    for module in (secrets, rotate_secrets):
        monkeypatch.setattr(module, "keeps_its_own", lambda: True)
    cellar = stored("cellar")
    (before,) = keys()
    assert "1 source sealed anew" in rotated("--new-key")
    first, second = keys()
    assert second == before
    assert key_file().stat().st_mode & 0o777 == 0o600
    key_file().write_text(first)
    cellar.refresh_from_db()
    assert unseal(cellar.secrets) == PLANTED


@pytest.mark.django_db
def test_a_key_for_the_environment_is_printed_and_nothing_changes(settings: Any) -> None:
    settings.TICKWALL_SECRET_KEYS = [OLD]
    row = stored("cellar")
    said = rotated("--new-key").splitlines()
    Fernet(said[0])
    assert "before those that are there" in said[1]
    sealed = row.secrets
    row.refresh_from_db()
    assert row.secrets == sealed
