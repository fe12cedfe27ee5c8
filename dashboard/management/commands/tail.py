"""Prints the ticks of a source as they come, over the same protocol as the browser, and proves that none is missing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.management.follower import Follower, Remark, Row
from dashboard.management.site import Site, SiteError
from dashboard.management.viewer import Refused, Viewer
from dashboard.models import ApiToken, DataSource

# As many ids as fit a message to the server.
MOST_SERIES = 1_500


class Command(BaseCommand):
    help = "Prints the ticks of a source of a running site as they come. Ctrl-C ends it with the ledger."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("source", metavar="SOURCE-SLUG")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the site is")
        parser.add_argument("--token", help="a token that may read; without it, one for an hour is made")
        parser.add_argument("--rate", type=float, metavar="HZ", help="frames a second; 0 = every tick, unmerged")
        parser.add_argument("--count", type=int, metavar="N", help="end after so many lines")
        parser.add_argument("--json", action="store_true", help="print a JSON object a line")

    def handle(self, *, source: str, url: str, token: str | None, **options: Any) -> None:
        rate, count = options["rate"], options["count"]
        if rate is not None and not (rate == 0 or 0.2 <= rate <= 1000):
            raise CommandError("--rate must be 0, or 0.2 to 1000.")
        if count is not None and count < 1:
            raise CommandError("--count must be at least 1.")
        with _token(source, token) as text:
            try:
                site = Site(url, text)
                follower = Follower(site.source(source)["id"])
                series = [row["id"] for row in site.series(source)]
            except SiteError as error:
                raise CommandError(str(error)) from None
            if not series:
                raise CommandError(f"{source} has no series yet; they come with its first ticks.")
            paper = Paper(count, as_json=options["json"])
            if len(series) > MOST_SERIES:
                paper.put(Remark(f"only the first {MOST_SERIES:,} of {len(series):,} series are shown", {}))
            viewer = Viewer(site, follower, series[:MOST_SERIES], rate, paper.put)
            refusal = asyncio.run(_until_told(viewer))
        paper.close(follower)
        if refusal:
            raise CommandError(refusal)
        if not follower.ledger.clean:
            raise CommandError("The ledger does not add up: ticks were lost or came twice without a word.")


@contextmanager
def _token(slug: str, given: str | None) -> Iterator[str]:
    """Yields the token that was given, or one of our own that ends with the command, and in an hour at the latest."""
    if given is not None:
        yield given
        return
    source = DataSource.objects.filter(slug=slug).first()
    if source is None:
        raise CommandError(f"There is no source {slug}. List them: manage.py source list")
    token, text = ApiToken.issue(f"tail {slug}", ApiToken.Scope.READ, source, timedelta(hours=1))
    try:
        yield text
    finally:
        token.delete()


async def _until_told(viewer: Viewer) -> str:
    """Views until Ctrl-C, SIGTERM or enough; returns why the server refused, or an empty text."""
    viewing = asyncio.create_task(viewer.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, viewing.cancel)
    await asyncio.wait([viewing])
    if viewing.cancelled():
        return ""
    error = viewing.exception()
    if error is None or isinstance(error, ReaderGone):
        return ""
    if isinstance(error, Refused):
        return str(error)
    raise error


class ReaderGone(Exception):
    """Whoever read our output has stopped; there is nobody to print for."""


class Paper:
    """Prints rows and remarks, aligned for people or as JSON; remarks for people go to the standard error."""

    def __init__(self, count: int | None, *, as_json: bool) -> None:
        self._left = count
        self._unprinted = 0
        self._as_json = as_json
        self._width = 8

    def put(self, thing: Row | Remark) -> bool:
        """Prints one thing; returns False when as many rows as were asked for are out."""
        if isinstance(thing, Remark):
            if self._as_json:
                self._print(json.dumps(thing.facts))
            else:
                print(f"-- {thing.words}", file=sys.stderr, flush=True)
            return True
        if self._left == 0:
            self._unprinted += 1
            return False
        self._print(json.dumps(_facts(thing)) if self._as_json else self._line(thing))
        if self._left is not None:
            self._left -= 1
        return self._left != 0

    def close(self, follower: Follower) -> None:
        ledger = follower.ledger
        if self._unprinted:
            words = f"{self._unprinted} more rows came with the last message and are not printed"
            self.put(Remark(words, {"unprinted": self._unprinted}))
        names = ("published", "shown", "merged", "other", "gap", "overlaps", "unexplained")
        facts = {"ledger": {name: getattr(ledger, name) for name in names}}
        with suppress(ReaderGone):
            self._print(json.dumps(facts) if self._as_json else str(ledger))

    def _print(self, line: str) -> None:
        try:
            print(line, flush=True)
        except BrokenPipeError:
            # Python would complain once more when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise ReaderGone from None

    def _line(self, row: Row) -> str:
        self._width = max(self._width, min(len(row.name.key), 40))
        at = timezone.localtime(datetime.fromtimestamp(row.time / 1000, UTC))
        parts = [f"{at:%H:%M:%S}.{row.time % 1000:03}", f"{row.name.key:<{self._width}}"]
        parts.append(f"{_number(row, row.value):>14} {row.name.unit}".rstrip())
        if row.volume is not None:
            parts.append(f"vol {row.volume:,.10g}")
        if row.count > 1:
            parts.append(f"×{row.count} {_number(row, row.low)} to {_number(row, row.high)}")  # noqa: RUF001
        return "  ".join(parts)


def _number(row: Row, value: float | str | None) -> str:
    if not isinstance(value, int | float):
        # A text is data: what it holds of control characters stays away from the terminal.
        return "" if value is None else "".join(char if char.isprintable() else "�" for char in value)
    return f"{value:,.{row.name.decimals}f}" if row.name.decimals is not None else f"{value:,.10g}"


def _facts(row: Row) -> dict[str, Any]:
    facts = {"t": row.time, "series": row.series, "key": row.name.key, "v": row.value}
    if row.volume is not None:
        facts["q"] = row.volume
    if row.count > 1:
        facts |= {"k": row.count, "o": row.open, "h": row.high, "l": row.low}
    return facts
