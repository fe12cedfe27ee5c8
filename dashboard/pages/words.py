"""Writes numbers, changes, ages and times of day as people read them. The browser writes them the same way."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

# U+2212: as wide as a plus, so that signs stand in one column.
MINUS = "−"  # noqa: RUF001
NOTHING = "–"  # noqa: RUF001
# U+2007, a space as wide as a figure: where a sign would stand.
ROOM = "\u2007"
# Decimals of a series that has no number of its own.
DECIMALS = 4


def number(value: float, decimals: int | None) -> str:
    """Writes 1,234.50; without a number of decimals, as many as it has, four at most."""
    text = f"{value:,.{DECIMALS if decimals is None else decimals}f}"
    if decimals is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return _sign(text)


def change(value: float, decimals: int | None) -> str:
    """Writes a difference with its sign; what rounds to zero has the room of one, so that it does not jump."""
    text = number(value, decimals)
    if not text.strip("0.,−"):  # noqa: RUF001
        return ROOM + text
    return text if text.startswith(MINUS) else f"+{text}"


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
