"""Holds the way from the log to the sockets, and knows the one hub of this process."""

from __future__ import annotations

from functools import cache

from dashboard.live.clients import Clients, Most, Proxies
from dashboard.live.hub import Hub
from dashboard.live.session import Limits


@cache
def current() -> Hub:
    """Returns the process's hub, made at the first call from the settings."""
    from channels.layers import get_channel_layer
    from django.conf import settings

    from dashboard import ticklog

    limits = Limits(
        frame_bytes=settings.TICKWALL_FRAME_BYTES,
        rate=settings.TICKWALL_RATE,
        subs=settings.TICKWALL_SUBS,
        credit_bytes=settings.TICKWALL_CREDIT_BYTES,
        credit_frames=settings.TICKWALL_CREDIT_FRAMES,
        ack_seconds=settings.TICKWALL_ACK_SECONDS,
        messages_per_second=settings.TICKWALL_MESSAGES_PER_SECOND,
        messages_burst=settings.TICKWALL_MESSAGES_BURST,
        heartbeat_seconds=settings.TICKWALL_HEARTBEAT_SECONDS,
        silence_seconds=settings.TICKWALL_SILENCE_SECONDS,
        hello_seconds=settings.TICKWALL_HELLO_SECONDS,
        socket_seconds=settings.TICKWALL_SOCKET_SECONDS,
        window_seconds=settings.TICKWALL_LOG_SECONDS,
    )
    return Hub(
        ticklog.current(),
        get_channel_layer(),
        limits,
        shards=settings.TICKWALL_SHARDS,
        recheck_seconds=settings.TICKWALL_RECHECK_SECONDS,
    )


@cache
def current_clients() -> Clients:
    """Returns the count of the process's sockets, made at the first call from the settings."""
    from django.conf import settings

    most = Most(
        per_process=settings.TICKWALL_SOCKETS_PER_PROCESS,
        per_address=settings.TICKWALL_SOCKETS_PER_ADDRESS,
        per_person=settings.TICKWALL_SOCKETS_PER_USER,
        waiting_per_address=settings.TICKWALL_SOCKETS_WAITING,
        handshakes_per_second=settings.TICKWALL_HANDSHAKES_PER_SECOND,
        handshakes_burst=settings.TICKWALL_HANDSHAKES_BURST,
    )
    return Clients(most, Proxies(settings.TICKWALL_TRUSTED_PROXIES))
