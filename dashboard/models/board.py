"""Holds the dashboards and their panels."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from dashboard.models.rights import DashboardQuerySet
from dashboard.models.source import Series


class Dashboard(models.Model):
    """A page of panels on a grid of 12 columns."""

    class Visibility(models.TextChoices):
        PRIVATE = "private", "Private: its owner and staff with the right to view dashboards"
        SIGNED_IN = "signed-in", "Everybody who is signed in"
        PUBLIC = "public", "Everybody"

    title = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    description = models.CharField(max_length=200, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE)
    version = models.PositiveIntegerField(default=1, editable=False, help_text="Counts the changes of its layout.")
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    objects = DashboardQuerySet.as_manager()

    class Meta:
        ordering = ("title",)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/d/{self.slug}/"


class Panel(models.Model):
    """One picture on a dashboard; x, y, w, h are in columns and rows of the grid."""

    class Kind(models.TextChoices):
        STAT = "stat", "Stat tile"
        WATCHLIST = "watchlist", "Watchlist"
        LINE = "line", "Lines"
        CANDLES = "candles", "Candles"
        BARS = "bars", "Bars"
        GAUGE = "gauge", "Gauge"
        SOURCES = "sources", "Source status"
        TEXT = "text", "Text"

    dashboard = models.ForeignKey(Dashboard, on_delete=models.CASCADE, related_name="panels")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    title = models.CharField(max_length=100, blank=True)
    x = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(11)])
    y = models.PositiveSmallIntegerField(default=0)
    w = models.PositiveSmallIntegerField(default=4, validators=[MinValueValidator(1), MaxValueValidator(12)])
    h = models.PositiveSmallIntegerField(default=3, validators=[MinValueValidator(1), MaxValueValidator(40)])
    options = models.JSONField(default=dict, blank=True)
    series = models.ManyToManyField(Series, through="PanelSeries", related_name="panels", blank=True)

    class Meta:
        ordering = ("y", "x", "id")

    def __str__(self) -> str:
        return self.title or self.get_kind_display()

    def clean(self) -> None:
        if self.x is not None and self.w is not None and self.x + self.w > 12:
            raise ValidationError({"w": f"From column {self.x}, at most {12 - self.x} of the 12 columns are left."})


class PanelSeries(models.Model):
    """A series in its place on a panel."""

    panel = models.ForeignKey(Panel, on_delete=models.CASCADE)
    series = models.ForeignKey(Series, on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        constraints = [models.UniqueConstraint(fields=("panel", "series"), name="series_once_per_panel")]

    def __str__(self) -> str:
        return f"{self.panel}: {self.series}"
