"""Checks the settings for what contradicts itself or opens the site to everybody, before anything starts."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, DatabaseError
from redis.asyncio.connection import parse_url

from dashboard.feeds import registry
from dashboard.models import WebProcess
from dashboard.models.secrets import NEW_KEY_HINT, is_key, keeps_its_own

# Below the first a site cannot work, above the second it harms itself or its viewers.
LIMITS: dict[str, tuple[float, float]] = {
    "TICKWALL_SOCKETS_PER_PROCESS": (0, 100_000),
    "TICKWALL_SOCKETS_PER_ADDRESS": (0, 100_000),
    "TICKWALL_SOCKETS_PER_USER": (0, 100_000),
    "TICKWALL_SOCKETS_WAITING": (0, 100_000),
    "TICKWALL_HANDSHAKES_PER_SECOND": (0, 10_000),
    "TICKWALL_HANDSHAKES_BURST": (1, 10_000),
    "TICKWALL_LOGIN_FAILURES_PER_USER": (0, 1_000),
    "TICKWALL_LOGIN_FAILURES_PER_ADDRESS": (0, 1_000),
    "TICKWALL_FLUSH_MS": (5, 1_000),
    "TICKWALL_BATCH_TICKS": (1, 1_000_000),
    "TICKWALL_SHARDS": (1, 64),
    "TICKWALL_LOG_SECONDS": (10, 86_400),
    "TICKWALL_LOG_TICKS": (1_000, 50_000_000),
    "TICKWALL_RECONCILE_SECONDS": (0.1, 60),
    "TICKWALL_TICK_MAX_AGE": (1, 366 * 86_400),
    "TICKWALL_TICK_MAX_AHEAD": (0, 3_600),
    "TICKWALL_INGEST_BYTES": (1_024, 4_194_304),
    "TICKWALL_INGEST_TICKS": (1, 10_000),
    "TICKWALL_INGEST_PER_SECOND": (0.1, 100_000),
    "TICKWALL_INGEST_BURST": (1, 100_000),
    "TICKWALL_INBOX_BYTES": (65_536, 1_073_741_824),
    "TICKWALL_FRAME_BYTES": (1_024, 1_048_576),
    "TICKWALL_RATE": (0.2, 100),
    "TICKWALL_SUBS": (1, 10_000),
    "TICKWALL_CREDIT_BYTES": (1_024, 16_777_216),
    "TICKWALL_CREDIT_FRAMES": (2, 10_000),
    "TICKWALL_ACK_SECONDS": (1, 600),
    "TICKWALL_MESSAGES_PER_SECOND": (1, 10_000),
    "TICKWALL_MESSAGES_BURST": (1, 100_000),
    "TICKWALL_HEARTBEAT_SECONDS": (0.1, 60),
    "TICKWALL_SILENCE_SECONDS": (1, 600),
    "TICKWALL_HELLO_SECONDS": (0.1, 60),
    # A layer's membership in a group ends after 24 hours.
    "TICKWALL_SOCKET_SECONDS": (1, 21 * 3_600),
    "TICKWALL_RECHECK_SECONDS": (0.1, 1_800),
    "TICKWALL_DRAIN_SECONDS": (0, 60),
}
# The first must be at least so many times the second; the reason completes the sentence.
ORDERS = (
    ("TICKWALL_SILENCE_SECONDS", 2, "TICKWALL_HEARTBEAT_SECONDS", "a viewer answers heartbeats and nothing else"),
    ("TICKWALL_MESSAGES_BURST", 1, "TICKWALL_MESSAGES_PER_SECOND", "a burst is at least a second's worth"),
    ("TICKWALL_INBOX_BYTES", 4, "TICKWALL_INGEST_BYTES", "several requests must fit the inbox"),
    ("TICKWALL_LOG_TICKS", 1, "TICKWALL_BATCH_TICKS", "a batch must fit the log"),
)
# Seconds that channels_redis waits for a message, and after which redis-py gives a silent socket up by itself.
LAYER_SECONDS = REDIS_SECONDS = 5.0
# Of the key that signs sessions; the one that is made by itself has 50.
KEY_CHARACTERS = 32
ORIGIN_HINT = (
    "Name each origin in full: scheme, host and, unless it is the usual one, port, as in https://wall.example."
)


@register(Tags.security)
def hosts_are_named(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    foreign = [host for host in settings.ALLOWED_HOSTS if not _is_local(host)]
    if settings.DEBUG and foreign:
        return [
            Error(
                f"DEBUG is on, and the site answers to {', '.join(foreign)}: errors would show its secrets to others.",
                hint="Set DEBUG=0, or leave only names of this machine in ALLOWED_HOSTS.",
                id="tickwall.E001",
            )
        ]
    if "*" in foreign:
        return [
            Error(
                "ALLOWED_HOSTS is *, so any page in the world could open the live socket as its viewer.",
                hint="Name the hosts of the site, as in ALLOWED_HOSTS=wall.example,10.0.0.5.",
                id="tickwall.E002",
            )
        ]
    return []


def _is_local(host: str) -> bool:
    name = host.strip("[]").removeprefix(".").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


@register(Tags.security)
def origins_are_exact(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(f"{origin!r} in TICKWALL_ALLOWED_ORIGINS is not one exact origin.", hint=ORIGIN_HINT, id="tickwall.E003")
        for origin in settings.TICKWALL_ALLOWED_ORIGINS
        if not _is_origin(origin)
    ]


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    whole = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}" + (f":{port}" if port is not None else "")
    return parts.scheme in ("http", "https") and bool(host) and "*" not in host and text.lower() == whole


@register()
def limits_make_sense(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    return [*_out_of_range(), *_out_of_order()]


def _out_of_range() -> Iterator[CheckMessage]:
    for name, (low, high) in LIMITS.items():
        value = getattr(settings, name)
        if not low <= value <= high:  # NaN is never in between
            hint = f"Set it to something from {low:g} to {high:g}, or leave it to its default."
            yield Error(f"{name} is {value:g}, with which the site cannot work well.", hint=hint, id="tickwall.E004")


def _out_of_order() -> Iterator[CheckMessage]:
    for larger, times, smaller, reason in ORDERS:
        least = times * getattr(settings, smaller)
        if getattr(settings, larger) < least:
            yield Error(
                f"{larger} is less than {f'{times} times ' if times > 1 else ''}{smaller}, but {reason}.",
                hint=f"Set {larger} to {least:g} or more.",
                id="tickwall.E005",
            )


@register()
def several_processes_share_redis(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Uvicorn starts as many processes as WEB_CONCURRENCY says; each would have feeds and a log of its own."""
    processes = os.environ.get("WEB_CONCURRENCY", "")
    if settings.REDIS_URL or not processes.isdecimal() or int(processes) < 2:
        return []
    return [
        Error(
            f"WEB_CONCURRENCY is {processes}, but without Redis each process would show ticks of its own.",
            hint="Set REDIS_URL and run `manage.py runworker feeds`, or set WEB_CONCURRENCY=1.",
            id="tickwall.E006",
        )
    ]


def a_worker_shares_its_log() -> list[CheckMessage]:
    """Asked for by `runworker` alone: to a site in one process the log in its memory is the right one."""
    if settings.REDIS_URL:
        return []
    return [
        Error(
            "Without REDIS_URL the tick log is in the memory of the web process, which runs the feeds itself: what a "
            "worker appended here nobody could read.",
            hint="Set the same REDIS_URL for the web process and the worker, or start no worker.",
            id="tickwall.E013",
        )
    ]


@register()
def kinds_load(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    return [
        Warning(
            f"The kind of source “{name}” cannot be loaded: {why}",
            hint="Its sources do not run until this is mended; all others do.",
            id="tickwall.W001",
        )
        for name, why in registry.errors().items()
    ]


@register(Tags.security)
def proxies_are_addresses(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{name!r} in TICKWALL_TRUSTED_PROXIES is neither an address nor a network.",
            hint="Name the proxies by address, as in TICKWALL_TRUSTED_PROXIES=127.0.0.1,10.0.0.0/8.",
            id="tickwall.E008",
        )
        for name in settings.TICKWALL_TRUSTED_PROXIES
        if name != "unix" and not _is_network(name)
    ]


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


@register()
def the_layer_outwaits_its_own_silence(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The Redis layer waits 5 s for a message, and redis-py gives a socket up after 5 s if nobody says otherwise."""
    return [
        Error(
            f"The channel layer {name!r} loses its connection to Redis whenever nothing happens for 5 seconds.",
            hint='Give each of its hosts a "socket_timeout" of more than 5, as config/settings.py does.',
            id="tickwall.E007",
        )
        for name, layer in settings.CHANNEL_LAYERS.items()
        if layer["BACKEND"] == "channels_redis.core.RedisChannelLayer"
        and not all(_outwaits(host) for host in layer.get("CONFIG", {}).get("hosts", ["redis://localhost"]))
    ]


def _outwaits(host: Any) -> bool:
    if isinstance(host, dict):
        told = host["socket_timeout"] if "socket_timeout" in host else _timeout_in(host.get("address"))
    else:
        told = _timeout_in(host)
    return told is None or told > LAYER_SECONDS


def _timeout_in(address: Any) -> float:
    """Returns the timeout that an address carries, or the one that redis-py takes otherwise."""
    try:
        found = parse_qs(urlsplit(address).query).get("socket_timeout") if isinstance(address, str) else None
        return float(found[0]) if found else REDIS_SECONDS
    except ValueError:
        return float("inf")  # it is no address: another check says so


@register()
def redis_has_an_address(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.REDIS_URL:
        return []
    try:
        parse_url(settings.REDIS_URL)
    except ValueError:
        # Not what the library says of it: that would show a password.
        return [
            Error(
                "REDIS_URL is no address of a Redis.",
                hint="It looks like redis://user:password@host:6379/0, with rediss:// for TLS, or unix:///path.",
                id="tickwall.E010",
            )
        ]
    return []


@register(Tags.security)
def the_key_is_one(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    key = settings.SECRET_KEY
    if len(key) >= KEY_CHARACTERS and len(set(key)) > 4 and not key.startswith("django-insecure-"):
        return []
    return [
        Error(
            "SECRET_KEY can be guessed, and whoever has it signs in as anybody.",
            hint=f"Set it to {KEY_CHARACTERS} random characters or more, or to nothing: one is then made in var/.",
            id="tickwall.E011",
        )
    ]


@register(Tags.security)
def the_https_header_is_one(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    told = settings.SECURE_PROXY_SSL_HEADER
    if told is None or (len(told) == 2 and re.fullmatch("HTTP_[A-Z0-9_]+", told[0]) and told[1]):
        return []
    return [
        Error(
            f"TICKWALL_HTTPS_HEADER is {'='.join(told)!r}, which is no header with its value.",
            hint="Write it as Django names headers: TICKWALL_HTTPS_HEADER=HTTP_X_FORWARDED_PROTO=https.",
            id="tickwall.E012",
        )
    ]


@register(Tags.database)
def web_processes_share_a_log(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Looks at the running site, so it is asked for: manage.py check --database default."""
    if not databases or DEFAULT_DB_ALIAS not in databases:
        return []
    try:
        processes = WebProcess.at_odds()
    except DatabaseError:
        return []  # before the first migration there is no table, and no site either
    if not processes:
        return []
    return [
        Warning(
            f"Web processes run at once without sharing a tick log: {', '.join(map(str, processes))}.",
            hint="Set the same REDIS_URL for all of them, or stop all but one.",
            id="tickwall.W002",
        )
    ]


@register(Tags.security)
def secrets_have_a_key(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    strange = [place for place, key in enumerate(settings.TICKWALL_SECRET_KEYS, 1) if not is_key(key)]
    if strange:
        numbers = ", ".join(map(str, strange))
        return [
            Error(
                f"TICKWALL_SECRET_KEYS: number {numbers} is no key of 32 bytes in URL-safe base64.",
                hint=NEW_KEY_HINT,
                id="tickwall.E009",
            )
        ]
    if settings.TICKWALL_SECRET_KEYS or keeps_its_own():
        return []
    return [
        Warning(
            "TICKWALL_SECRET_KEYS is empty, so no source can keep a password or a token.",
            hint=NEW_KEY_HINT,
            id="tickwall.W003",
        )
    ]
