"""Turns the change of a row into a message, after commit, that tells workers and hubs to look at the database."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver

from dashboard.models import ApiToken, Dashboard, DataSource, Panel, Series
from dashboard.models.board import PanelSeries
from dashboard.models.event import SourceEvent, differences, series_differences
from dashboard.protocol.control import FEEDS, LIVE_CONTROL, What, feeds_look, live_history, live_look

log = logging.getLogger(__name__)

# Seconds that a save may wait for the channel layer. Whoever misses the message looks by himself a little later.
PATIENCE = 2.0


class _Pending(threading.local):
    """What this thread will say at its next commit: a form with 30 panels makes one message, not 30.

    A rolled back change stays here until the next commit. It then costs one look too many.
    """

    def __init__(self) -> None:
        self.feeds = False
        self.live: dict[tuple[What, str | None], None] = {}
        self.history: set[int] = set()


_pending = _Pending()
# True while the channel layer does not take messages, so that an outage is logged once and not at every save.
_layer_is_away = False


def look_at_feeds() -> None:
    """Tells the worker, after commit, that sources or series changed."""
    _pending.feeds = True
    transaction.on_commit(_send_pending)


def look_at_live(what: What, dashboard: str | None = None) -> None:
    """Tells the hubs, after commit, that rights or a layout changed; None means any dashboard."""
    _pending.live[what, dashboard] = None
    transaction.on_commit(_send_pending)


def _send_pending() -> None:
    global _layer_is_away
    feeds, live, history = _pending.feeds, list(_pending.live), sorted(_pending.history)
    if not feeds and not live and not history:
        return  # an earlier callback of the same commit has sent them
    _pending.feeds = False
    _pending.live.clear()
    _pending.history.clear()
    try:
        async_to_sync(_send)(feeds, live, history)
    except Exception as error:
        # The row is saved; a message that is lost is made good by the next reconcile, an error page would not be.
        if not _layer_is_away:
            log.warning("The channel layer takes no messages (%r). Changes take effect some seconds later.", error)
        _layer_is_away = True
        return
    if _layer_is_away:
        log.info("The channel layer takes messages again.")
    _layer_is_away = False


async def _send(feeds: bool, live: list[tuple[What, str | None]], history: list[int]) -> None:
    layer = get_channel_layer()
    async with asyncio.timeout(PATIENCE):
        if feeds:
            await layer.send(FEEDS, feeds_look())
        for what, dashboard in live:
            await layer.group_send(LIVE_CONTROL, live_look(what, dashboard))
        if history:
            await layer.group_send(LIVE_CONTROL, live_history(history))


@receiver([post_save, post_delete], sender=DataSource)
@receiver([post_save, post_delete], sender=Series)
def source_changed(instance: DataSource | Series, created: bool = False, **kwargs: Any) -> None:
    look_at_feeds()
    if created:  # a new one is on no dashboard yet
        return
    look_at_live("layout")
    look_at_live("rights")
    if isinstance(instance, Series):
        # Its label, unit and decimals stand on the pages, as does whether it is there at all.
        for dashboard in Dashboard.objects.filter(panels__series=instance.pk).distinct().values_list("pk", flat=True):
            _layout_changed(dashboard)


# The row as it was before a save, for as long as that takes.
_BEFORE = "_before_save"


@receiver(pre_save, sender=DataSource)
@receiver(pre_save, sender=Series)
def source_changes(sender: Any, instance: DataSource | Series, raw: bool = False, **kwargs: Any) -> None:
    before = None if raw or instance.pk is None else sender.objects.filter(pk=instance.pk).first()
    setattr(instance, _BEFORE, before)


@receiver(post_save, sender=DataSource)
@receiver(post_save, sender=Series)
def change_is_noted(instance: DataSource | Series, raw: bool = False, **kwargs: Any) -> None:
    """Writes into the history of a source what was changed, and by whom."""
    if raw:  # a fixture brings its own past
        return
    before = instance.__dict__.pop(_BEFORE, None)
    events = differences(before, instance) if isinstance(instance, DataSource) else series_differences(before, instance)
    if events:
        _pending.history |= SourceEvent.write(events)
        transaction.on_commit(_send_pending)


@receiver([post_save, post_delete], sender=Dashboard)
def dashboard_changed(instance: Dashboard, **kwargs: Any) -> None:
    look_at_live("layout", instance.slug)
    # For all: under a changed address, viewers of the old one look at a dashboard that is no more.
    look_at_live("rights")


@receiver([post_save, post_delete], sender=Panel)
def panel_changed(instance: Panel, **kwargs: Any) -> None:
    _layout_changed(instance.dashboard_id)


@receiver([post_save, post_delete], sender=PanelSeries)
def panel_series_changed(instance: PanelSeries, **kwargs: Any) -> None:
    for dashboard in Panel.objects.filter(pk=instance.panel_id).values_list("dashboard", flat=True):
        _layout_changed(dashboard)


def _layout_changed(dashboard: int) -> None:
    rows = Dashboard.objects.filter(pk=dashboard)
    # Whoever misses the message sees by the version that he has an old layout.
    rows.update(version=F("version") + 1)
    for slug in rows.values_list("slug", flat=True):
        look_at_live("layout", slug)
        look_at_live("rights")  # a series is seen by those who may open a dashboard it is on


@receiver([post_save, post_delete], sender=get_user_model())
def user_changed(update_fields: frozenset[str] | None = None, **kwargs: Any) -> None:
    if update_fields != frozenset({"last_login"}):  # that one is written by every login
        look_at_live("rights")


@receiver(m2m_changed, sender=get_user_model().groups.through)
@receiver(m2m_changed, sender=get_user_model().user_permissions.through)
@receiver(m2m_changed, sender=Group.permissions.through)
def membership_changed(action: str, **kwargs: Any) -> None:
    if action.startswith("post_"):
        look_at_live("rights")


# A logout deletes the session. `user_logged_out` would come too early: the session is still valid then.
@receiver(post_delete, sender=Session)
@receiver(post_delete, sender=Group)
@receiver([post_save, post_delete], sender=ApiToken)
def right_withdrawn(created: bool = False, **kwargs: Any) -> None:
    if not created:
        look_at_live("rights")
