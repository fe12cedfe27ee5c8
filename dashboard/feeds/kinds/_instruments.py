"""Holds the instruments that a simulated market trades when it is given a number, or a name it knows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Instrument:
    """Something that is traded. `volatility` is a year's, as a fraction; `tick_size` the least step of its price."""

    key: str
    label: str
    unit: str
    price: float
    decimals: int
    tick_size: float
    volatility: float


def _stock(key: str, label: str, price: float, volatility: float) -> Instrument:
    return Instrument(key, label, "USD", price, 2, 0.01, volatility)


KNOWN = (
    _stock("AAPL", "Apple", 228.5, 0.27),
    _stock("MSFT", "Microsoft", 431.2, 0.24),
    _stock("NVDA", "NVIDIA", 138.7, 0.50),
    Instrument("ES", "S&P 500 futures", "points", 5905.0, 2, 0.25, 0.16),
    Instrument("EUR/USD", "Euro in US dollars", "USD", 1.0842, 5, 0.00001, 0.08),
    Instrument("BTC/USD", "Bitcoin", "USD", 68240.0, 1, 0.1, 0.60),
    _stock("AMZN", "Amazon", 201.7, 0.32),
    _stock("GOOGL", "Alphabet", 176.3, 0.29),
    Instrument("GC", "Gold futures", "USD/oz", 2671.0, 1, 0.1, 0.15),
    Instrument("CL", "Crude oil futures", "USD/bbl", 70.4, 2, 0.01, 0.36),
    _stock("META", "Meta Platforms", 567.9, 0.36),
    _stock("TSLA", "Tesla", 249.8, 0.58),
    Instrument("NQ", "Nasdaq 100 futures", "points", 20680.0, 2, 0.25, 0.21),
    Instrument("ETH/USD", "Ether", "USD", 2650.0, 2, 0.01, 0.70),
    Instrument("GBP/USD", "Pound sterling in US dollars", "USD", 1.2973, 5, 0.00001, 0.09),
    Instrument("USD/JPY", "US dollar in yen", "JPY", 152.6, 3, 0.001, 0.10),
    _stock("JPM", "JPMorgan Chase", 224.1, 0.23),
    _stock("V", "Visa", 290.6, 0.20),
    _stock("WMT", "Walmart", 83.4, 0.19),
    _stock("XOM", "Exxon Mobil", 119.2, 0.25),
    _stock("JNJ", "Johnson & Johnson", 160.3, 0.16),
    _stock("KO", "Coca-Cola", 65.1, 0.15),
    _stock("NFLX", "Netflix", 756.4, 0.38),
    _stock("AMD", "Advanced Micro Devices", 156.2, 0.48),
    Instrument("SI", "Silver futures", "USD/oz", 32.71, 3, 0.005, 0.30),
    Instrument("NG", "Natural gas futures", "USD/MMBtu", 2.713, 3, 0.001, 0.60),
    Instrument("ZN", "10-year US Treasury note futures", "points", 110.5, 6, 0.015625, 0.06),
    Instrument("FDAX", "DAX futures", "points", 19330.0, 1, 0.5, 0.17),
    Instrument("FESX", "Euro Stoxx 50 futures", "points", 4925.0, 0, 1.0, 0.18),
    Instrument("USD/CHF", "US dollar in Swiss francs", "CHF", 0.8667, 5, 0.00001, 0.08),
    Instrument("AUD/USD", "Australian dollar in US dollars", "USD", 0.6584, 5, 0.00001, 0.11),
    _stock("DIS", "Walt Disney", 96.2, 0.28),
    _stock("INTC", "Intel", 22.4, 0.45),
    _stock("BA", "Boeing", 152.9, 0.34),
    Instrument("SAP", "SAP", "EUR", 215.3, 2, 0.02, 0.25),
    Instrument("SIE", "Siemens", "EUR", 181.4, 2, 0.02, 0.26),
    Instrument("ASML", "ASML Holding", "EUR", 651.2, 1, 0.1, 0.38),
    Instrument("NESN", "Nestlé", "CHF", 81.9, 2, 0.02, 0.16),
    Instrument("SOL/USD", "Solana", "USD", 171.3, 2, 0.01, 0.85),
    Instrument("HG", "Copper futures", "USD/lb", 4.372, 4, 0.0005, 0.24),
)
_BY_KEY = {instrument.key: instrument for instrument in KNOWN}

# Words of made-up companies; their first two letters differ, so that a ticker of two and two is unique.
_FIRST = (
    *("Amber", "Birch", "Cedar", "Dover", "Elder", "Fjord", "Glade", "Haven", "Indigo", "Juniper", "Kestrel", "Linden"),
    *("Maple", "Norden", "Onyx", "Prairie", "Quartz", "Raven", "Summit", "Tundra", "Umber", "Vesper", "Willow"),
    *("Yarrow", "Zephyr"),
)
_SECOND = (
    *("Airlines", "Bank", "Chemical", "Devices", "Energy", "Foods", "Gas", "Hotels", "Insurance", "Jewels"),
    *("Logistics", "Media", "Networks", "Optics", "Pharma", "Rail", "Systems", "Textiles", "Utilities", "Water"),
)


def lookup(key: str) -> Instrument:
    """Returns the instrument of that key; one that is not known gets a price that always is the same for its key."""
    return _BY_KEY.get(key) or _made_up(key, key)


def first(number: int) -> list[Instrument]:
    """Returns that many instruments: the known ones, then made-up companies."""
    return [*KNOWN[:number], *islice(_companies(), max(0, number - len(KNOWN)))]


def _companies() -> list[Instrument]:
    return [_made_up(f"{one[:2]}{two[:2]}".upper(), f"{one} {two}") for two, one in product(_SECOND, _FIRST)]


def _made_up(key: str, label: str) -> Instrument:
    digest = crc32(key.encode("utf-8", "replace"))
    return Instrument(key, label, "USD", 10 + digest % 29_000 / 100, 2, 0.01, 0.20 + digest % 31 / 100)
