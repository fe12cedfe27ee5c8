"""Holds the demo: two sources, and a dashboard for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_SHARES = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "JPM")
_FUTURES = ("ES", "NQ", "FDAX")
_CURRENCIES = ("EUR/USD", "GBP/USD", "USD/JPY")
_CRYPTO = ("BTC/USD", "ETH/USD")
_COMMODITIES = ("GC", "CL")
_WATCHLIST = (*_SHARES, *_FUTURES, *_CURRENCIES, *_CRYPTO, *_COMMODITIES)
_MORE = ("AMD", "NFLX", "INTC", "BA", "XOM", "SI", "NG", "ZN")


@dataclass(frozen=True, slots=True)
class DemoSource:
    slug: str
    name: str
    kind: str
    cadence: float
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DemoPanel:
    """A panel of the series with these keys; a key that ends in `*` stands for all that begin so.

    `place` is x, y, w, h.
    """

    kind: str
    place: tuple[int, int, int, int]
    title: str = ""
    keys: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DemoBoard:
    """A public dashboard whose series all come from one source."""

    slug: str
    title: str
    description: str
    source: str
    panels: Sequence[DemoPanel]


SOURCES = (
    DemoSource(
        "market",
        "Market",
        "simulated",
        cadence=1.0,
        config={"symbols": [*_WATCHLIST, *_MORE], "rate": 4.0, "seed": None, "history": 900},
    ),
    DemoSource("host", "This machine", "host", cadence=1.0, config={"interval": 1.0}),
)


def _tiles(*tiles: tuple[str, str], **options: Any) -> list[DemoPanel]:
    """Puts stat tiles side by side into the first row; each is a title and a key."""
    return [DemoPanel("stat", (2 * place, 0, 2, 1), title, (key,), options) for place, (title, key) in enumerate(tiles)]


MARKET = DemoBoard(
    "market",
    "Market",
    "A simulated market: 26 instruments, 4 ticks a second each.",
    "market",
    (
        *_tiles(
            ("S&P 500", "ES"),
            ("Nasdaq 100", "NQ"),
            ("Gold", "GC"),
            ("EUR/USD", "EUR/USD"),
            ("Bitcoin", "BTC/USD"),
            ("10-year note", "ZN"),
        ),
        DemoPanel("candles", (0, 1, 7, 6), "NVDA", ("NVDA",), {"resolution": 15}),
        DemoPanel("watchlist", (7, 1, 5, 6), "Watchlist", _WATCHLIST),
        DemoPanel("line", (0, 7, 5, 3), "Relative", ("NQ", "ES", "FDAX", "BTC/USD", "EUR/USD"), {"scale": "percent"}),
        DemoPanel(
            "bars",
            (5, 7, 2, 3),
            "Movers",
            ("AMD", "BTC/USD", "NVDA", "META", "NFLX", "BA", "INTC", "TSLA"),
            {"scale": "percent", "sort": True},
        ),
        DemoPanel("stat", (7, 7, 2, 3), "Crude oil", ("CL",)),
        DemoPanel("sources", (9, 7, 3, 3), "Sources"),
    ),
)
_PERCENT = {"min": 0, "max": 100}
HOST = DemoBoard(
    "host",
    "This machine",
    "The machine that Tickwall runs on, once a second.",
    "host",
    (
        *_tiles(
            ("CPU", "cpu"),
            ("Load, 1 min", "load.1"),
            ("Memory used", "memory.percent"),
            ("Swap used", "swap.percent"),
            ("Disk used", "disk.percent"),
            ("Processes", "processes"),
            change=False,
        ),
        DemoPanel("line", (0, 1, 8, 3), "CPU per core", ("cpu.*",), _PERCENT),
        DemoPanel("gauge", (8, 1, 2, 3), "CPU", ("cpu",), _PERCENT),
        DemoPanel("gauge", (10, 1, 2, 3), "Memory", ("memory.percent",), _PERCENT),
        DemoPanel("line", (0, 4, 6, 3), "Network", ("net.in", "net.out"), {"min": 0}),
        DemoPanel("line", (6, 4, 6, 3), "Disk", ("disk.read", "disk.write"), {"min": 0}),
        DemoPanel("line", (0, 7, 4, 3), "Load", ("load.1", "load.5", "load.15"), {"min": 0}),
        DemoPanel("line", (4, 7, 5, 3), "Memory", ("memory.used", "swap.used"), {"min": 0}),
        DemoPanel("sources", (9, 7, 3, 3), "Sources"),
    ),
)
BOARDS = (MARKET, HOST)


def chosen(keys: Sequence[str], known: Sequence[str]) -> list[str]:
    """Returns those of the known keys that `keys` stand for, in the order of `keys`."""
    found: list[str] = []
    for key in keys:
        wanted = [each for each in known if each.startswith(key[:-1])] if key.endswith("*") else [key]
        found += [each for each in wanted if each in known and each not in found]
    return found
