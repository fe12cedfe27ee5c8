"""Holds the ASGI application: pages through Django, sockets through Channels, ticks that are sent in past both, and the
life of the process around them."""

from __future__ import annotations

import gc
import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
pages = get_asgi_application()

from django.core.management import BaseCommand  # noqa: E402

from config.lifecycle import WebProcess  # noqa: E402  # needs the apps, which the line above has loaded
from dashboard.api.ingest import IngestDoor  # noqa: E402
from dashboard.routing import sockets  # noqa: E402

# A server that is started without manage.py would not hear what contradicts itself in the settings.
BaseCommand().check()
application = WebProcess(ProtocolTypeRouter({"http": IngestDoor(pages), "websocket": sockets}))
application.hook_into_daphne()
# What has been loaded stays as long as the process. A full collection that looks through all of it again takes tens of
# milliseconds, for which every viewer waits.
gc.collect()
gc.freeze()
