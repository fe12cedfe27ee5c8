"""Holds the data sources, their series, and what a worker last said of them."""

from __future__ import annotations

from datetime import timedelta
from math import isfinite

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

# A worker confirms every few seconds what it said of its sources. After this long its words no longer stand.
SILENT = timedelta(seconds=20)
# More decimals than a float has digits say nothing, and no browser writes a hundred.
MOST_DECIMALS = 12


class DataSource(models.Model):
    """A configured source. It becomes a feed when a worker runs it."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=30)
    config = models.JSONField(default=dict, blank=True, help_text="Checked against the schema of the kind.")
    # Sealed (dashboard/models/secrets.py): what the kind calls a secret is never in the config.
    secrets = models.TextField(default="", blank=True, editable=False)
    enabled = models.BooleanField(default=True)
    cadence = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0.01), MaxValueValidator(366 * 86_400)],
        help_text="Seconds between two ticks of a healthy source. Freshness is judged against it.",
    )
    max_series = models.PositiveIntegerField(
        default=1000, help_text="Series that the source may bring along; further keys are refused."
    )
    # How often somebody has asked for a fresh start: a feed that runs at another number is started anew.
    restarts = models.PositiveIntegerField(default=0, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        verbose_name = "data source"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        # NaN passes every comparison that the validators make.
        if isinstance(self.cadence, int | float) and not isfinite(self.cadence):
            raise ValidationError({"cadence": "A number of seconds is wanted."})


class Series(models.Model):
    """One named stream of values of a source, numbers or short texts."""

    source = models.ForeignKey(DataSource, on_delete=models.CASCADE, related_name="series")
    key = models.CharField(max_length=200, help_text="Its name on the wire of the source.")
    label = models.CharField(max_length=200, blank=True)
    unit = models.CharField(max_length=30, blank=True)
    decimals = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MOST_DECIMALS)],
        help_text="Values are rounded to this many decimals as they come in; empty keeps them as they are.",
    )
    text = models.BooleanField(default=False, help_text="Holds short texts instead of numbers.")
    hidden = models.BooleanField(
        default=False, help_text="Nobody is shown it or offered it; its ticks go on coming into the log."
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "series"
        constraints = [models.UniqueConstraint(fields=("source", "key"), name="series_key_once_per_source")]

    def __str__(self) -> str:
        return self.label or self.key


class SourceStatus(models.Model):
    """What the worker last said of a source. A row of its own, so that it never collides with an operator's edit."""

    class State(models.TextChoices):
        STARTING = "starting"
        LIVE = "live"
        LATE = "late"
        DOWN = "down"
        STOPPED = "stopped"
        DEGRADED = "degraded"

    source = models.OneToOneField(DataSource, on_delete=models.CASCADE, related_name="status", primary_key=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.STOPPED)
    since = models.DateTimeField(null=True)
    last_tick = models.DateTimeField(null=True)
    hz = models.FloatField(default=0.0)
    message = models.TextField(blank=True)
    worker = models.CharField(max_length=100, blank=True)
    refused = models.PositiveBigIntegerField(
        default=0, help_text="Ticks that were not admitted since the feed started."
    )
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "source statuses"

    def __str__(self) -> str:
        return self.state

    @property
    def current(self) -> tuple[str, str]:
        """Returns state and message as they hold now: the last words of a worker that died are not how it is."""
        if self.state == self.State.STOPPED or timezone.now() - self.updated < SILENT:
            return self.state, self.message
        at = timezone.localtime(self.updated).strftime("%Y-%m-%d %H:%M:%S")
        return self.State.DOWN, f"No worker has spoken of it since {at}"
