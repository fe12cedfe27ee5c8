"""Gives an empty site something to show: two sources, their dashboards, and somebody who may sign in."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from dashboard.feeds.completion import complete
from dashboard.feeds.registry import kind, validated
from dashboard.management.demo import BOARDS, SOURCES, DemoBoard, DemoPanel, DemoSource, chosen
from dashboard.models import Dashboard, DataSource, Panel, Series
from dashboard.models.board import PanelSeries

ADMIN = "admin"


class Command(BaseCommand):
    help = (
        "Gives an empty site demo sources and dashboards, and the user “admin” with a password that is printed this "
        "once. On a site that has a source or a dashboard, nothing is added or changed."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--add", action="store_true", help="Add what is missing of the demo even if there are sources already."
        )

    def handle(self, *, add: bool, **options: Any) -> None:
        with transaction.atomic():
            password = self._admin()
            # A site that was used is its operator's: what he deleted must not come back at the next start.
            if add or not (DataSource.objects.exists() or Dashboard.objects.exists()):
                self._seed()
        # After the commit: a password that was printed is one that holds.
        if password:
            self.stdout.write(f"Sign in as {ADMIN} with the password {password} (it will not be shown again).")

    def _admin(self) -> str:
        """Makes the first superuser, if there is none, and returns his password; otherwise an empty text."""
        users = get_user_model()._default_manager
        if users.filter(is_superuser=True).exists():
            return ""
        if users.filter(username=ADMIN).exists():
            self.stderr.write(f"Nobody is a superuser, and “{ADMIN}” is taken. Make one: manage.py createsuperuser.")
            return ""
        password = secrets.token_urlsafe(12)
        users.create_superuser(ADMIN, password=password)
        return password

    def _seed(self) -> None:
        for demo in SOURCES:
            if not DataSource.objects.filter(slug=demo.slug).exists():
                _make_source(demo)
                self.stdout.write(f"Source {demo.slug} is made.")
        for board in BOARDS:
            if not Dashboard.objects.filter(slug=board.slug).exists():
                _make_board(board)
                self.stdout.write(f"Dashboard /d/{board.slug}/ is made.")


def _make_source(demo: DemoSource) -> None:
    config, _ = complete(kind(demo.kind), demo.config)
    source = DataSource.objects.create(
        slug=demo.slug, name=demo.name, kind=demo.kind, cadence=demo.cadence, config=config
    )
    feed = kind(demo.kind)
    for spec in feed(validated(feed, config)).series():
        source.series.create(key=spec.key, label=spec.label, unit=spec.unit, decimals=spec.decimals, text=spec.text)


def _make_board(demo: DemoBoard) -> None:
    owner = get_user_model()._default_manager.filter(is_superuser=True).order_by("pk").first()
    board = Dashboard.objects.create(
        slug=demo.slug, title=demo.title, description=demo.description, owner=owner, visibility="public"
    )
    series = {row.key: row for row in Series.objects.filter(source__slug=demo.source)}
    for panel in demo.panels:
        _make_panel(board, panel, series)


def _make_panel(board: Dashboard, demo: DemoPanel, series: dict[str, Series]) -> None:
    keys = chosen(demo.keys, list(series))
    if demo.keys and not keys:
        return  # a machine without disks has no use for a panel of disks
    x, y, w, h = demo.place
    panel = Panel.objects.create(
        dashboard=board, kind=demo.kind, title=demo.title, x=x, y=y, w=w, h=h, options=dict(demo.options)
    )
    for position, key in enumerate(keys):
        PanelSeries.objects.create(panel=panel, series=series[key], position=position)
