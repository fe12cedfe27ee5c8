"""Holds which web processes there are, so that two that know nothing of each other are found out."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now

# A process that has not said for this long that it is there counts as gone.
ALIVE = timedelta(seconds=10)
# Rows of processes that ended without a word are kept for this long.
KEPT = timedelta(hours=1)


class WebProcess(models.Model):
    """A web process. All times are the database's, so that the clocks of several machines need not agree."""

    class Log(models.TextChoices):
        MEMORY = "memory", "In its own memory"
        REDIS = "redis", "In Redis"

    key = models.CharField(max_length=32, primary_key=True)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    log = models.CharField(max_length=10, choices=Log.choices)
    started = models.DateTimeField()
    seen = models.DateTimeField()

    class Meta:
        ordering = ("started", "key")
        verbose_name_plural = "web processes"

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"

    @classmethod
    def beat(cls, key: str, host: str, pid: int, log: str) -> None:
        """Notes that the process is there; the first time it also clears away those long gone."""
        if cls.objects.filter(pk=key).update(seen=Now()):
            return
        cls.objects.filter(seen__lt=Now() - KEPT).delete()
        cls.objects.create(key=key, host=host[:100], pid=pid, log=log, started=Now(), seen=Now())

    @classmethod
    def site(cls) -> str:
        """Returns what tells this database from all others: the moment at which it was made, to the microsecond."""
        first = MigrationRecorder.Migration.objects.order_by("pk").values_list("applied", flat=True).first()
        return first.isoformat() if first else ""

    @classmethod
    def at_odds(cls) -> list[WebProcess]:
        """Returns processes that run at once although one of them keeps the tick log in its own memory."""
        alive = list(cls.objects.filter(seen__gte=Now() - ALIVE))
        found = {
            process.key: process
            for one in alive
            for other in alive
            if one is not other and cls.Log.MEMORY in (one.log, other.log) and one._overlaps(other)
            for process in (one, other)
        }
        return [process for process in alive if process.key in found]

    def _overlaps(self, other: WebProcess) -> bool:
        # One that was killed and the one that followed were never there at once.
        return self.started < other.seen and other.started < self.seen
