"""Seals the secrets of sources, so that whoever has the database alone has none of them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import connection

logger = logging.getLogger(__name__)

NEW_KEY_HINT = "Make one with manage.py rotate_secrets --new-key, and set it for every process of the site."


class NoKey(Exception):
    """This site has no key, or none that is one; the text says how to get one."""


class Unreadable(Exception):
    """Secrets that none of the keys opens; the text says what to do."""


def seal(secrets: Mapping[str, str]) -> str:
    """Returns the secrets, by the names of their fields, as one text for the database; none are the empty text.

    Raises NoKey. A site of one machine makes its key here, when it has a secret to keep for the first time.
    """
    if not secrets:
        return ""
    return _opener(keys() or _own_first_key()).encrypt(json.dumps(dict(secrets)).encode()).decode()


def unseal(text: str) -> dict[str, str]:
    """Returns the secrets by the names of their fields, or raises Unreadable."""
    if not text:
        return {}
    try:
        secrets: dict[str, str] = json.loads(_opener(keys()).decrypt(text.encode()))
    except (InvalidToken, NoKey):
        raise Unreadable(
            "they cannot be read with the keys of this site; enter them again, "
            "or bring back the key with which they were stored"
        ) from None
    return secrets


def reseal(text: str) -> str:
    """Returns sealed secrets sealed anew, with the first key. Raises Unreadable or NoKey."""
    return seal(unseal(text))


def keys() -> Sequence[str]:
    """Returns the keys of this site, the one that seals first; none if it has none yet."""
    if settings.TICKWALL_SECRET_KEYS:
        return list(settings.TICKWALL_SECRET_KEYS)
    try:
        return key_file().read_text().split() if keeps_its_own() else []
    except FileNotFoundError:
        return []


def keeps_its_own() -> bool:
    """Tells whether the keys lie in a file beside the database: only where that is a file of this machine itself."""
    return not settings.TICKWALL_SECRET_KEYS and connection.vendor == "sqlite"


def key_file() -> Path:
    return Path(settings.VAR_DIR) / "secret-keys"


def add_own_key() -> str:
    """Puts a new key before the others of the file and returns it. They stay, for what they have sealed."""
    key = Fernet.generate_key().decode()
    _write([key, *keys()])
    return key


def is_key(text: str) -> bool:
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


def _own_first_key() -> Sequence[str]:
    if not keeps_its_own():
        raise NoKey(f"This site has no key to keep a secret with: TICKWALL_SECRET_KEYS is empty. {NEW_KEY_HINT}")
    add_own_key()
    logger.warning(
        "A key for the secrets of sources was made: %s. Keep a copy of it apart from the database, for without it "
        "they cannot be read.",
        key_file(),
    )
    return keys()


def _write(lines: Sequence[str]) -> None:
    """Replaces the file at once and for good, readable by nobody else at any moment."""
    path = key_file()
    path.parent.mkdir(exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _opener(texts: Sequence[str]) -> MultiFernet:
    if not texts:
        raise NoKey("This site has no key.")
    return _made(tuple(texts))


@lru_cache(maxsize=4)
def _made(texts: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(text) for text in texts])
    except ValueError:
        raise NoKey(f"One of the keys for secrets is none. {NEW_KEY_HINT}") from None
