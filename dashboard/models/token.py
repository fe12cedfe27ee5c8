"""Holds the tokens that programs use instead of a session. Only a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from dashboard.models.rights import Viewer
from dashboard.models.source import DataSource

# How exactly it is known when a token was last used: a check is a read, and seldom a write.
LAST_USED_TO = timedelta(minutes=1)


def _digest(secret: str) -> str:
    # The secret has 256 bits of its own, so a slow hash would add nothing.
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiToken(models.Model):
    """A right that a program carries as `Authorization: Bearer tw_<lookup>_<secret>`."""

    class Scope(models.TextChoices):
        READ = "read", "Read"
        INGEST = "ingest", "Send ticks in"
        ADMIN = "admin", "Everything"

    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.READ)
    source = models.ForeignKey(
        DataSource, on_delete=models.CASCADE, null=True, blank=True, help_text="Empty: all sources."
    )
    lookup = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, editable=False)
    revoked = models.BooleanField(default=False)

    class Meta:
        ordering = ("name",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def issue(
        cls, name: str, scope: str, source: DataSource | None = None, lifetime: timedelta | None = None
    ) -> tuple[ApiToken, str]:
        """Makes a token and returns it with its text, which is never to be had again."""
        expires: datetime | None = timezone.now() + lifetime if lifetime else None
        token = cls(name=name, scope=scope, source=source, expires=expires)
        text = token.seal()
        token.save()
        return token, text

    def seal(self) -> str:
        """Gives the token, before it is saved, a secret of its own, and returns the text that carries it."""
        self.lookup, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        self.digest = _digest(secret)
        return f"tw_{self.lookup}_{secret}"

    @staticmethod
    def parts(text: str) -> tuple[str, str]:
        """Returns the lookup and the digest that the text of a token has; both are empty where it is none."""
        prefix, _, rest = text.partition("_")
        lookup, _, secret = rest.partition("_")
        if prefix != "tw" or not (lookup.isascii() and lookup.isalnum()):
            return "", ""  # nor would PostgreSQL take every character in a query
        return lookup, _digest(secret)

    @classmethod
    def holding(cls) -> models.QuerySet[ApiToken]:
        """Returns the tokens that are neither revoked nor expired."""
        return cls.objects.filter(models.Q(expires=None) | models.Q(expires__gt=timezone.now()), revoked=False)

    @classmethod
    def check_text(cls, text: str) -> ApiToken | None:
        """Returns the token that the text stands for, or None if there is none, or it is revoked or expired."""
        lookup, digest = cls.parts(text)
        token = cls.holding().filter(lookup=lookup).first() if lookup else None
        if token is None or not hmac.compare_digest(token.digest, digest):
            return None
        now = timezone.now()
        if token.last_used is None or now - token.last_used >= LAST_USED_TO:
            cls.objects.filter(pk=token.pk).update(last_used=now)
        return token

    def viewer(self) -> Viewer:
        """Returns whom the token may see for: an ingest token sees nothing."""
        if self.scope == self.Scope.INGEST:
            return Viewer()
        if self.source_id is not None:
            return Viewer(only_source=self.source_id)
        return Viewer(sees_all_sources=True, sees_all_dashboards=True)
