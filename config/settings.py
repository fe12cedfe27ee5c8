"""Every setting, from the environment: its name, its default, and one sentence on what it does."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from csp import constants as csp
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from config.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
# Holds what this installation makes for itself (database, key, collected files); never committed.
VAR_DIR = BASE_DIR / "var"

env = Environment()
# The file that adds what the environment does not say; empty: none.
TICKWALL_ENV_FILE = env.str("TICKWALL_ENV_FILE", default=".env")
if TICKWALL_ENV_FILE and (BASE_DIR / TICKWALL_ENV_FILE).exists():
    Environment.read_env(BASE_DIR / TICKWALL_ENV_FILE)


def _own_secret_key() -> str:
    """Returns the key kept in var/, made at the first start, so that a bare clone runs with a real secret."""
    path = VAR_DIR / "secret-key"
    if path.exists() and (key := path.read_text()):
        return key
    # Whole or not at all: a process that starts at the same moment, or after the disk was full, finds no half of it.
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        VAR_DIR.mkdir(exist_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(get_random_secret_key())
        try:
            path.hardlink_to(new)
        except FileExistsError:
            if not path.read_text():
                new.replace(path)
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(f"No key can be kept in {path} ({error.strerror}). Set SECRET_KEY.") from None
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


# Signs sessions and forms; another one signs everybody out. Empty: one is made in var/ at the first start.
SECRET_KEY = env.str("SECRET_KEY", default="") or _own_secret_key()
# Keys for the secrets of sources, each 32 random bytes in URL-safe base64: the first seals, all of them open. Empty
# with a database in a file: one is made in var/ when it is needed. Never SECRET_KEY, and never in the database.
TICKWALL_SECRET_KEYS = env.list("TICKWALL_SECRET_KEYS", default=[])
# Shows tracebacks in the browser. Never on for a site that others can reach.
DEBUG = env.bool("DEBUG", default=False)
# Host names under which the site answers.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Origins (scheme://host:port) whose forms are accepted besides the site's own.
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Where Redis is. Empty: one process, the tick log in memory, the worker inside the web process.
REDIS_URL = env.str("REDIS_URL", default="")
# Begins the names of all keys in Redis: two sites on one Redis need two.
TICKWALL_REDIS_PREFIX = env.str("TICKWALL_REDIS_PREFIX", default="tickwall")

INSTALLED_APPS = [
    "dashboard",  # before daphne and channels: our commands win over theirs
    "daphne",
    "channels",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "servestatic",
    "csp",
    "ninja",  # brings the files of the API's page along, which would otherwise come from elsewhere
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.staticfiles.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.presence.context",
            ]
        },
    }
]

# DATABASE_URL: sqlite:///path or postgres://user:password@host/name.
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")
}
if not DATABASES["default"].get("ENGINE", "").endswith((".sqlite3", ".postgresql")):
    raise ImproperlyConfigured("DATABASE_URL is none: sqlite:///path or postgres://user:password@host/name is wanted.")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A read that turns into a write fails at once under the default DEFERRED mode, whatever the timeout.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 5,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA journal_size_limit=67108864",
    }
else:
    # Persistent connections do not fit ASGI's threads; psycopg's pool does.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # A connection that the server has ended meanwhile is replaced before it is used, not after it has failed.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        connect_timeout=5,
        # The pool's own pauses double for as long as the database is away, and nobody else may try meanwhile. Who waits
        # gives up when it does, and begins with the next question: none is later than a few seconds after its return.
        pool={"min_size": 1, "max_size": 8, "timeout": 3, "reconnect_timeout": 3},
        # A machine that has vanished is noticed in seconds; the system's own patience is hours.
        keepalives_idle=5,
        keepalives_interval=3,
        keepalives_count=3,
        tcp_user_timeout=10_000,
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            # redis-py gives a socket up after 5 s, which is as long as the layer blocks: an idle site would lose it.
            "hosts": [
                {
                    "address": REDIS_URL,
                    "socket_timeout": 15,
                    "socket_connect_timeout": 3,
                    "health_check_interval": 15,
                    "socket_keepalive": True,
                }
            ],
            "capacity": 1000,
            "prefix": f"{TICKWALL_REDIS_PREFIX}:layer",
        },
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}
}

DEFAULT_EXCEPTION_REPORTER_FILTER = "config.redaction.Filter"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
SESSION_ENGINE = "config.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# On when the site is served over https: cookies then travel over nothing else.
TICKWALL_HTTPS = env.bool("TICKWALL_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TICKWALL_HTTPS
# Browsers that have seen the site over https then refuse anything else for a year.
SECURE_HSTS_SECONDS = 365 * 86_400 if TICKWALL_HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Nothing inline, nothing from elsewhere; what a page must carry itself has the nonce of that one answer.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.NONE],
        "script-src": [csp.SELF, csp.NONCE],
        "style-src": [csp.SELF, csp.NONCE],
        "img-src": [csp.SELF, "data:"],
        "connect-src": [csp.SELF],
        "font-src": [csp.SELF],
        "base-uri": [csp.NONE],
        "form-action": [csp.SELF],
        "frame-ancestors": [csp.NONE],
    }
}
# Header and value by which a proxy says that the browser came over https, as HTTP_X_FORWARDED_PROTO=https. Only set it
# where the proxy overwrites that header.
_https_header = env.str("TICKWALL_HTTPS_HEADER", default="")
SECURE_PROXY_SSL_HEADER = tuple(_https_header.split("=", 1)) if _https_header else None

LANGUAGE_CODE = "en"
# The time zone of the pages and the admin, by its name, as in Europe/Vienna.
TIME_ZONE = env.zone("TIME_ZONE", default="UTC")
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.staticfiles.NpmFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.staticfiles.CollectedFiles"},
}
SERVESTATIC_ALLOW_ALL_ORIGINS = False
# What of node_modules browsers may fetch: modules by the name under which they are imported, and other files.
NPM_DIR = BASE_DIR / "node_modules"
NPM_MODULES = {
    "lightweight-charts": "lightweight-charts/dist/lightweight-charts.production.mjs",
    "fancy-canvas": "fancy-canvas/index.mjs",
}
# uPlot comes as its minified classic script, half the size of its module.
NPM_FILES = ["uplot/dist/uPlot.iife.min.js", "uplot/dist/uPlot.min.css", "fancy-canvas/*.mjs"]

# Names what is running; a page of another build offers to reload itself.
TICKWALL_BUILD = env.str("TICKWALL_BUILD", default="0.1.0")

# --- Who may connect ---
# Origins besides the site's own whose pages may open the socket, each as scheme://host:port.
TICKWALL_ALLOWED_ORIGINS = env.list("TICKWALL_ALLOWED_ORIGINS", default=[])
# Proxies whose X-Forwarded-For is believed: addresses, networks, or `unix` for a Unix socket. Empty: nobody's.
TICKWALL_TRUSTED_PROXIES = env.list("TICKWALL_TRUSTED_PROXIES", default=[])
# Open sockets of a process, of one address (with IPv6 a /64), and of one user or token. 0 = any, here and below.
TICKWALL_SOCKETS_PER_PROCESS = env.int("TICKWALL_SOCKETS_PER_PROCESS", default=2000)
TICKWALL_SOCKETS_PER_ADDRESS = env.int("TICKWALL_SOCKETS_PER_ADDRESS", default=50)
TICKWALL_SOCKETS_PER_USER = env.int("TICKWALL_SOCKETS_PER_USER", default=20)
# Open sockets of one address that have not said hello.
TICKWALL_SOCKETS_WAITING = env.int("TICKWALL_SOCKETS_WAITING", default=30)
# New sockets a second from one address, and the burst that is forgiven.
TICKWALL_HANDSHAKES_PER_SECOND = env.float("TICKWALL_HANDSHAKES_PER_SECOND", default=10.0)
TICKWALL_HANDSHAKES_BURST = env.int("TICKWALL_HANDSHAKES_BURST", default=60)
# Failed logins within 15 minutes of one user name from one address, after which that pair waits for 15 minutes.
TICKWALL_LOGIN_FAILURES_PER_USER = env.int("TICKWALL_LOGIN_FAILURES_PER_USER", default=5)
# Failed logins within an hour from one address, whatever the names, after which it waits for an hour.
TICKWALL_LOGIN_FAILURES_PER_ADDRESS = env.int("TICKWALL_LOGIN_FAILURES_PER_ADDRESS", default=50)

# --- The road of a tick ---
# Milliseconds between two flushes of the worker; the only time a tick waits on purpose.
TICKWALL_FLUSH_MS = env.int("TICKWALL_FLUSH_MS", default=50)
# Ticks that one source may give between two flushes; a faster feed waits for the next flush.
TICKWALL_BATCH_TICKS = env.int("TICKWALL_BATCH_TICKS", default=10_000)
# Doorbell groups; a source rings in group `id mod shards`.
TICKWALL_SHARDS = env.int("TICKWALL_SHARDS", default=1)
# The tick log keeps this many seconds or this many ticks of a source, whichever is less.
TICKWALL_LOG_SECONDS = env.int("TICKWALL_LOG_SECONDS", default=15 * 60)
TICKWALL_LOG_TICKS = env.int("TICKWALL_LOG_TICKS", default=1_000_000)
# Seconds between two looks at the database for sources that were changed without a message, and at the other workers.
TICKWALL_RECONCILE_SECONDS = env.float("TICKWALL_RECONCILE_SECONDS", default=1.0)
# Modules with kinds of sources of your own besides those of dashboard/feeds/kinds, by their dotted names.
TICKWALL_EXTRA_KINDS = env.list("TICKWALL_EXTRA_KINDS", default=[])
# Private networks that sources may reach, as in 192.168.0.0/16,127.0.0.0/8. Empty: none, so public addresses only.
TICKWALL_SOURCE_ALLOW_PRIVATE = env.list("TICKWALL_SOURCE_ALLOW_PRIVATE", default=[])
# Folders whose files sources of kind csv may read, below them too. Empty: none.
TICKWALL_SOURCE_FOLDERS = env.list("TICKWALL_SOURCE_FOLDERS", default=[])
# A tick older than this many seconds, or this many seconds ahead of the server's clock, is refused.
TICKWALL_TICK_MAX_AGE = env.float("TICKWALL_TICK_MAX_AGE", default=86_400.0)
TICKWALL_TICK_MAX_AHEAD = env.float("TICKWALL_TICK_MAX_AHEAD", default=60.0)

# --- Ticks that others send in ---
# Bytes and ticks of one request to /api/v1/ingest/.
TICKWALL_INGEST_BYTES = env.int("TICKWALL_INGEST_BYTES", default=262_144)
TICKWALL_INGEST_TICKS = env.int("TICKWALL_INGEST_TICKS", default=1000)
# Requests a second of one token, or with the signature of one source, in each web process; and the burst forgiven.
TICKWALL_INGEST_PER_SECOND = env.float("TICKWALL_INGEST_PER_SECOND", default=50.0)
TICKWALL_INGEST_BURST = env.int("TICKWALL_INGEST_BURST", default=100)
# Bytes that may wait for the worker, a source; more is answered with 429.
TICKWALL_INBOX_BYTES = env.int("TICKWALL_INBOX_BYTES", default=16_777_216)

# --- What one viewer may take (docs/protocol.md) ---
# Bytes of one message from a viewer.
TICKWALL_FRAME_BYTES = env.int("TICKWALL_FRAME_BYTES", default=16_384)
# Data frames a second that a viewer gets at most.
TICKWALL_RATE = env.float("TICKWALL_RATE", default=20.0)
# Subscriptions of one socket.
TICKWALL_SUBS = env.int("TICKWALL_SUBS", default=64)
# Credit: bytes and frames that may be on their way to a viewer without his acknowledgement.
TICKWALL_CREDIT_BYTES = env.int("TICKWALL_CREDIT_BYTES", default=262_144)
TICKWALL_CREDIT_FRAMES = env.int("TICKWALL_CREDIT_FRAMES", default=64)
# Seconds without an acknowledgement, with data outstanding, after which a viewer is let go.
TICKWALL_ACK_SECONDS = env.float("TICKWALL_ACK_SECONDS", default=30.0)
# Messages a second from one viewer, and the burst that is forgiven.
TICKWALL_MESSAGES_PER_SECOND = env.float("TICKWALL_MESSAGES_PER_SECOND", default=20.0)
TICKWALL_MESSAGES_BURST = env.int("TICKWALL_MESSAGES_BURST", default=40)
# Seconds between two heartbeats, and of silence after which a viewer is taken for gone.
TICKWALL_HEARTBEAT_SECONDS = env.float("TICKWALL_HEARTBEAT_SECONDS", default=10.0)
TICKWALL_SILENCE_SECONDS = env.float("TICKWALL_SILENCE_SECONDS", default=35.0)
# Seconds to the first `hello`.
TICKWALL_HELLO_SECONDS = env.float("TICKWALL_HELLO_SECONDS", default=5.0)
# Seconds a socket lives before it is asked to come back (± 10 %), so that no process keeps its viewers for ever.
TICKWALL_SOCKET_SECONDS = env.float("TICKWALL_SOCKET_SECONDS", default=12 * 3600.0)
# Seconds between two checks of what the viewers of open sockets may see.
TICKWALL_RECHECK_SECONDS = env.float("TICKWALL_RECHECK_SECONDS", default=60.0)
# Seconds over which a stopping process sends its viewers away.
TICKWALL_DRAIN_SECONDS = env.float("TICKWALL_DRAIN_SECONDS", default=8.0)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"outside": {"()": "config.logs.Outside"}, "away": {"()": "config.errors.AwayInOneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["outside"]}},
    # The pool tells every attempt while the database is away; those who wanted something from it say so once.
    "loggers": {"psycopg.pool": {"level": "ERROR"}, "django.request": {"filters": ["away"]}},
    # LOG_LEVEL: what is logged, to standard error: DEBUG, INFO, WARNING or ERROR, and what is worse.
    "root": {"handlers": ["console"], "level": env.level("LOG_LEVEL", default="INFO")},
}
