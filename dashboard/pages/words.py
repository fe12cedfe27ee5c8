"""Writes numbers, changes, ages and times of day as people read them. The browser writes them the same way."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

# U+2212: as wide as a plus, so that signs stand in one column.
MINUS = "−"  # noqa: RUF001
NOTHING = "–"  # noqa: RUF001
# U+2007, a space as wide as a figure: where a sign would stand.
ROOM = "\u2007"
# Decimals of a series that has no number of its own.
DECIMALS = 4
SIZES = ((1e12, "\u00a0T"), (1e9, "\u00a0G"), (1e6, "\u00a0M"), (1e3, "\u00a0k"), (1.0, ""))
BYTES = ("B", "B/s")


def number(value: float, decimals: int | None) -> str:
    """Writes 1,234.50; without a number of decimals, as many as it has, four at most."""
    text = f"{value:,.{DECIMALS if decimals is None else decimals}f}"
    if decimals is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return _sign(text)


def change(value: float, decimals: int | None) -> str:
    return signed(number(value, decimals))


def signed(text: str) -> str:
    """Gives a difference its sign; what rounds to zero has the room of one, so that it does not jump."""
    if not text.strip("0.,−"):  # noqa: RUF001
        return ROOM + text
    return text if text.startswith(MINUS) else f"+{text}"


def compact(value: float) -> str:
    """Writes 18.4 k, of six characters at most; the full figure belongs in a title."""
    if not math.isfinite(value):
        return NOTHING
    left = abs(value)
    # From where the next lower size would need four digits.
    size, letter = (1.0, "") if left < 9_999.5 else next(each for each in SIZES if left >= 0.9995 * each[0])
    part = left / size
    decimals = 0 if part >= 99.95 or (not letter and value == int(value)) else 1
    # As the browser rounds, ties too: both multiply, add a half and cut.
    shown = math.floor(part * 10**decimals + 0.5) / 10**decimals
    return number(math.copysign(shown, value), decimals) + letter


def amount(value: float, unit: str, decimals: int | None) -> str:
    """Writes the figure of a series: shortened where its unit is bytes, of which nobody reads the ninth digit."""
    return compact(value) if unit in BYTES else number(value, decimals)


def _sign(text: str) -> str:
    if not text.startswith("-"):
        return text
    return MINUS + text[1:] if text.strip("-0.,") else text[1:]


def age(milliseconds: int) -> str:
    """Writes 3.4 s, 12 s, 1 m 12 s, 2 h 05 m or 3 d 04 h, rounded down: an age has been reached."""
    left = max(0, milliseconds)
    if left < 10_000:
        return f"{left // 100 / 10:.1f} s"
    minutes, seconds = divmod(left // 1000, 60)
    if minutes == 0:
        return f"{seconds} s"
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes} m {seconds:02d} s"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours:02d} h" if days else f"{hours} h {minutes:02d} m"


def span(seconds: int) -> str:
    """Writes a length of time in short: 15 s, 5 m, 1 h."""
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def time_of_day(milliseconds: int, zone: str) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, ZoneInfo(zone)).strftime("%H:%M:%S")


def offset(milliseconds: int, zone: str) -> str:
    """Writes how far a zone is from UTC at a moment: UTC, UTC+1, UTC−3:30."""  # noqa: RUF002
    delta = datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    minutes = 0 if delta is None else int(delta.total_seconds() // 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else MINUS}{hours}{f':{rest:02d}' if rest else ''}"
