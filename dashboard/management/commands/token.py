"""Manages the tokens of programs from the shell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.management.table import table
from dashboard.models import ApiToken, DataSource

MOST_DAYS = 36_500


class Command(BaseCommand):
    help = "Makes, lists and revokes the tokens that programs use instead of a session."

    def add_arguments(self, parser: Any) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        add = verbs.add_parser("add", help="make a token and print it, this once")
        add.add_argument("name", help="what it is for")
        add.add_argument("--scope", required=True, choices=ApiToken.Scope.values)
        add.add_argument("--source", metavar="SLUG", help="the only source it is for")
        add.add_argument("--days", type=float, help="how long it holds; without it, until it is revoked")
        verbs.add_parser("list", help="list all tokens, without their secrets")
        revoke = verbs.add_parser("revoke", help="end a token at once")
        revoke.add_argument("which", help="its name, or its id from `token list`")

    def handle(self, *, verb: str, **options: Any) -> None:
        match verb:
            case "add":
                self._add(options["name"], options["scope"], options["source"], options["days"])
            case "list":
                self._list()
            case "revoke":
                self._revoke(options["which"])

    def _add(self, name: str, scope: str, slug: str | None, days: float | None) -> None:
        source = None
        if slug is not None:
            source = DataSource.objects.filter(slug=slug).first()
            if source is None:
                raise CommandError(f"There is no source {slug}. List them: manage.py source list")
        if days is not None and not 0 < days <= MOST_DAYS:
            raise CommandError(f"--days must be more than 0 and at most {MOST_DAYS:,}.")
        if not 0 < len(name) <= 100:
            raise CommandError("The name must have 1 to 100 characters.")
        _, text = ApiToken.issue(name, scope, source, None if days is None else timedelta(days=days))
        self.stderr.write("This token will not be shown again:")
        # Alone on the standard output, so that a script can take it.
        self.stdout.write(text)

    def _list(self) -> None:
        rows = [
            (token.lookup, token.name, token.scope, token.source and token.source.slug, _state(token), _day(token))
            for token in ApiToken.objects.select_related("source")
        ]
        head = ("ID", "NAME", "SCOPE", "SOURCE", "STATE", "LAST USED")
        self.stdout.write(table(head, rows) if rows else "There is no token yet. Make one: manage.py token add --help")

    def _revoke(self, which: str) -> None:
        found = list(ApiToken.objects.filter(lookup=which) or ApiToken.objects.filter(name=which, revoked=False))
        if not found:
            raise CommandError(f"There is no token {which} that holds. List them: manage.py token list")
        if len(found) > 1:
            ids = ", ".join(token.lookup for token in found)
            raise CommandError(f"{len(found)} tokens are called {which}. Name one by its id: {ids}.")
        found[0].revoked = True
        found[0].save(update_fields=["revoked"])
        self.stdout.write(f"Token {found[0].name} ({found[0].lookup}) is revoked.")


def _state(token: ApiToken) -> str:
    if token.revoked:
        return "revoked"
    if token.expires is None:
        return "holds"
    day = timezone.localtime(token.expires).strftime("%Y-%m-%d %H:%M")
    return f"expired {day}" if token.expires <= timezone.now() else f"holds until {day}"


def _day(token: ApiToken) -> str | None:
    return timezone.localtime(token.last_used).strftime("%Y-%m-%d %H:%M") if token.last_used else None
