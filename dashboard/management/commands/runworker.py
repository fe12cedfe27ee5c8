"""`manage.py runworker feeds`: runs the sources, in a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any

from channels.management.commands.runworker import Command as ChannelsCommand
from django.core.management.base import CommandError, SystemCheckError

from config.lifecycle import make_worker
from config.tasks import Tasks
from dashboard import ticklog
from dashboard.checks import a_worker_shares_its_log
from dashboard.protocol.control import FEEDS

logger = logging.getLogger(__name__)

# Seconds that the feeds have to end, and what they gave to be flushed, once the worker was told to stop.
STOP_SECONDS = 4.5


class Command(ChannelsCommand):  # type: ignore[misc]  # Channels has no types
    """Channels' own command waits for a message before it does anything and knows nothing of an orderly end; this one
    starts the feeds at once, and on SIGTERM or Ctrl-C flushes what they gave and gives the leases back."""

    help = "Runs the data sources. Start as many workers as you like: they share the sources among themselves."

    def handle(self, *args: Any, **options: Any) -> None:
        if options["channels"] != [FEEDS]:
            raise CommandError(f"There is one channel to work on: manage.py runworker {FEEDS}")
        errors = a_worker_shares_its_log()
        if errors:
            raise SystemCheckError("\n".join(map(str, errors)))
        asyncio.run(self._work())

    async def _work(self) -> None:
        await self._until_told_to_stop()
        # A feed that swallowed its cancellation would keep the event loop from closing for ever.
        logging.shutdown()
        os._exit(0)

    async def _until_told_to_stop(self) -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        worker, tasks = make_worker(), Tasks()
        for name, work in {**worker.tasks(), "watch": tasks.watch}.items():
            tasks.start(name, work)
        logger.info("worker %s has started", worker.name)
        await stopping.wait()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await tasks.stop()
                await worker.stop()
        except TimeoutError:
            logger.warning("worker %s could not flush in time; its leases run out by themselves", worker.name)
        await ticklog.current().close()
        logger.info("worker %s has stopped", worker.name)
