"""Says in the database that this web process is there, looks who else is, and remembers what is wrong with that."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from functools import cache

from django.conf import settings
from django.db import Error
from django.http import HttpRequest

from dashboard.models.offload import offload
from dashboard.models.process import WebProcess
from dashboard.ticklog.base import LogUnreachable
from dashboard.ticklog.redis_sites import RedisSites

logger = logging.getLogger(__name__)

# Seconds between two beats; a process is taken for gone after three that did not come.
BEAT = 3.0
# A stopping process has this long to take its row away; a database that is busy must not hold its end up.
LEAVE = 1.0


class Presence:
    """This process among the others on the same database."""

    def __init__(self) -> None:
        self.key = secrets.token_hex(8)
        # What is wrong, for people; empty when nothing is.
        self.warning = ""
        self._gone = False
        self._sites = (
            RedisSites(settings.REDIS_URL, prefix=settings.TICKWALL_REDIS_PREFIX) if settings.REDIS_URL else None
        )
        self._others: list[str] = []

    async def keep(self) -> None:
        """Beats until the process stops. A database that is away is somebody else's news; nothing ends here."""
        while not self._gone:
            try:
                processes, site = await offload(self._look)()
                await self._look_around(site)
                self._judge(processes)
            except Error as error:
                logger.debug("the web processes could not be looked up: %s", error)
            await asyncio.sleep(BEAT)

    async def leave(self) -> None:
        """Takes this process off the list, at once: the one that follows must not be taken for a second one."""
        self._gone = True
        with contextlib.suppress(Error, TimeoutError):
            async with asyncio.timeout(LEAVE):
                await offload(WebProcess.objects.filter(pk=self.key).delete)()

    async def _look_around(self, site: str) -> None:
        """Looks for other sites in the same place of the same Redis. One that is away is somebody else's news."""
        if self._sites is not None and site:
            with contextlib.suppress(LogUnreachable):
                self._others = await self._sites.look(site, socket.gethostname())

    def _look(self) -> tuple[list[WebProcess], str]:
        if self._gone:
            return [], ""
        log = WebProcess.Log.REDIS if settings.REDIS_URL else WebProcess.Log.MEMORY
        WebProcess.beat(self.key, socket.gethostname(), os.getpid(), log)
        return WebProcess.at_odds(), WebProcess.site()

    def _judge(self, processes: list[WebProcess]) -> None:
        warning = ""
        if self._others:
            warning = (
                f"Another site, on {', '.join(sorted(set(self._others)))}, with a database of its own, uses the same "
                "Redis under the same TICKWALL_REDIS_PREFIX. Either may show the ticks of the other as its own. Give "
                "each a prefix of its own."
            )
        elif processes:
            names = ", ".join(f"{process} (log {process.get_log_display().lower()})" for process in processes)
            warning = (
                f"{len(processes)} web processes run on one database without sharing a tick log: {names}. Each counts "
                "ticks of its own, and what a page shows depends on which of them answers. Set the same REDIS_URL for "
                "all of them, or stop all but one."
            )
        if warning != self.warning:
            if warning:
                logger.error(warning)
            else:
                logger.info("the web processes no longer contradict each other, nor does another site")
        self.warning = warning


@cache
def current() -> Presence:
    """Returns the presence of this process."""
    return Presence()


def context(request: HttpRequest) -> dict[str, str]:
    """Gives the templates `deployment_warning`: for staff, who can do something about it, and empty for others."""
    warning = current().warning
    if not warning:
        return {"deployment_warning": ""}
    user = getattr(request, "user", None)
    return {"deployment_warning": warning if user is not None and user.is_staff else ""}
