"""Manages data sources from the shell."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from dashboard.admin.json_object import StrictDecoder
from dashboard.feeds.base import SourceSpec
from dashboard.feeds.completion import complete
from dashboard.feeds.registry import BadConfig, UnknownKind
from dashboard.feeds.registry import kind as kind_named
from dashboard.feeds.trial import Trial, trial
from dashboard.management import sources_file
from dashboard.management.sources_file import Faults
from dashboard.management.table import table
from dashboard.models import DataSource
from dashboard.models.event import acting
from dashboard.models.secrets import NoKey, Unreadable, seal, unseal


class Command(BaseCommand):
    help = "Adds, lists, shows, tests, switches, removes, exports and imports data sources, and sets their secrets."

    def add_arguments(self, parser: Any) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        add = verbs.add_parser("add", help="add a source; a running site takes it up within seconds")
        add.add_argument("slug")
        add.add_argument("--kind", required=True)
        add.add_argument("--name", help="what people see; without it, the slug")
        add.add_argument("--cadence", type=float, default=1.0, help="seconds between two ticks of a healthy source")
        add.add_argument("--config", default="{}", metavar="JSON", help="what the kind needs to know, as a JSON object")
        add.add_argument("--disabled", action="store_true", help="add it without running it")
        verbs.add_parser("list", help="list all sources with their state")
        for verb, words in {
            "show": "show everything about a source",
            "test": "run its feed here for up to 5 seconds and print the first samples of each series",
            "enable": "run it",
            "disable": "stop running it, and keep it",
            "remove": "delete it with its series, also from all panels",
        }.items():
            verbs.add_parser(verb, help=words).add_argument("slug")

        secret = verbs.add_parser(
            "secret", help="set a password or a token, read from standard input; empty takes it away"
        )
        secret.add_argument("slug")
        secret.add_argument("field")
        export = verbs.add_parser("export", help="print sources as a file, without their secrets")
        export.add_argument("slugs", nargs="*", metavar="SLUG", help="without any, all")
        take = verbs.add_parser("import", help="make sources as a file says; those that it does not name stay")
        take.add_argument("file", help="a file that export has written, or - for standard input")
        take.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        for parser in (export, take):
            parser.add_argument("--format", choices=sources_file.FORMATS, default="yaml")

    def handle(self, *, verb: str, **options: Any) -> None:
        with acting(f"manage.py source {verb}"):
            self._do(verb, options)

    def _do(self, verb: str, options: dict[str, Any]) -> None:
        if verb == "add":
            self._add(**options)
        elif verb == "list":
            self._list()
        elif verb == "secret":
            self._secret(_find(options["slug"]), options["field"])
        elif verb == "export":
            self._export(options["slugs"], options["format"])
        elif verb == "import":
            self._import(options["file"], options["format"], options["dry_run"])
        else:
            getattr(self, f"_{verb}")(_find(options["slug"]))

    def _add(self, slug: str, kind: str, name: str | None, cadence: float, config: str, **options: Any) -> None:
        source = DataSource(slug=slug, name=name or slug, kind=kind, cadence=cadence)
        source.config, secrets = _config(kind, config)
        source.secrets = _sealed(secrets)
        source.enabled = not options["disabled"]
        try:
            source.full_clean()
        except ValidationError as error:
            problems = [f"{field}: {' '.join(said)}" for field, said in error.message_dict.items()]
            raise CommandError("The source was not added. " + " ".join(problems)) from None
        source.save()
        self.stdout.write(f"Source {slug} is added{'' if source.enabled else ', disabled'}.")

    def _list(self) -> None:
        rows = [
            (source.slug, source.kind, "yes" if source.enabled else "no", *_status(source))
            for source in DataSource.objects.select_related("status")
        ]
        head = ("SLUG", "KIND", "ENABLED", "STATE", "TICKS/S", "LAST TICK", "MESSAGE")
        self.stdout.write(table(head, rows) if rows else "There is no source yet. Add one: manage.py source add --help")

    def _show(self, source: DataSource) -> None:
        state, rate, last, message = _status(source)
        facts = {
            "name": source.name,
            "kind": source.kind,
            "enabled": "yes" if source.enabled else "no",
            "cadence": f"{source.cadence:g} s",
            "series": f"{source.series.count():,} of {source.max_series:,} at most",
            "state": state,
            "ticks/s": rate,
            "last tick": last,
            "message": message,
            "config": json.dumps(source.config, indent=2, ensure_ascii=False),
        }
        self.stdout.write(table((source.slug, ""), [*facts.items()]))

    def _test(self, source: DataSource) -> None:
        spec = SourceSpec(
            source.pk, source.slug, source.kind, source.config, source.cadence, max_series=source.max_series
        )
        try:
            spec = replace(spec, secrets=unseal(source.secrets))
        except Unreadable as error:
            raise CommandError(f"Of the secrets of {source.slug}: {error}.") from None
        found = asyncio.run(trial(spec))
        rows = [
            (key, _moment(sample.time), sample.value, sample.volume)
            for key, samples in found.samples.items()
            for sample in samples
        ]
        if rows:
            self.stdout.write(table(("SERIES", "TIME", "VALUE", "VOLUME"), rows))
        self._judge(source, found)

    def _judge(self, source: DataSource, found: Trial) -> None:
        works, words = found.verdict()
        if not works:
            raise CommandError(f"{source.slug} {words}")
        self.stdout.write(f"{source.slug} {words}")

    def _enable(self, source: DataSource) -> None:
        self._switch(source, True)

    def _disable(self, source: DataSource) -> None:
        self._switch(source, False)

    def _switch(self, source: DataSource, on: bool) -> None:
        source.enabled = on
        source.save(update_fields=["enabled", "updated"])
        self.stdout.write(f"Source {source.slug} is {'enabled' if on else 'disabled'}.")

    def _remove(self, source: DataSource) -> None:
        slug, count = source.slug, source.series.count()
        source.delete()
        self.stdout.write(f"Source {slug} is removed, with {count:,} series.")

    def _secret(self, source: DataSource, field: str) -> None:
        value = getpass(f"{field} of {source.slug}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        try:
            sources_file.set_secret(source, field, value)
        except (Faults, NoKey, UnknownKind) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"The {field} of {source.slug} is {'set' if value else 'taken away'}.")

    def _export(self, slugs: list[str], form: str) -> None:
        sources = [_find(slug) for slug in slugs] or DataSource.objects.order_by("slug").prefetch_related("series")
        entries = (sources_file.entry(source, source.series.all()) for source in sources)
        self.stdout.write(sources_file.write(entries, form), ending="")

    def _import(self, file: str, form: str, dry_run: bool) -> None:
        """Judges the whole file before anything of it is written, and writes all of it or nothing."""
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text()
            entries = sources_file.read(text, form)
            with transaction.atomic():
                changes = sources_file.plan(entries)
                for change in changes:
                    if change.is_one and not dry_run:
                        change.save()
        except (Faults, OSError, UnicodeDecodeError) as error:
            raise CommandError(f"Nothing was imported.\n{error}") from None
        for change in changes:
            if change.is_one:
                added = f"{change.source.slug} is {'changed' if change.before else 'added'}."
                self.stdout.write(change.difference() if dry_run else added)
            for name in change.missing:
                self.stdout.write(f"To be set: manage.py source secret {change.source.slug} {name}")
        count = sum(change.is_one for change in changes)
        would = "would change; nothing was written" if dry_run else "changed"
        self.stdout.write(f"{count} of {len(changes)} sources {would}.")


def _find(slug: str) -> DataSource:
    source = DataSource.objects.filter(slug=slug).select_related("status").first()
    if source is None:
        raise CommandError(f"There is no source {slug}. List them: manage.py source list")
    return source


def _config(kind: str, text: str) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        config = json.loads(text, cls=StrictDecoder)
    except json.JSONDecodeError as error:
        raise CommandError(f"--config is not JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from None
    if not isinstance(config, dict):
        raise CommandError('--config must be a JSON object, as in {"rate": 10}.')
    try:
        return complete(kind_named(kind), config)
    except UnknownKind as error:
        raise CommandError(str(error)) from None
    except BadConfig as error:
        raise CommandError(f"--config is not what {kind} accepts. {error}.") from None


def _sealed(secrets: dict[str, str]) -> str:
    try:
        return seal(secrets)
    except NoKey as error:
        raise CommandError(str(error)) from None


def _status(source: DataSource) -> tuple[str, str | None, str | None, str | None]:
    status = getattr(source, "status", None)
    if status is None:
        return "never run", None, None, None
    last = status.last_tick and timezone.localtime(status.last_tick).strftime("%Y-%m-%d %H:%M:%S")
    word, message = status.current
    return word, f"{status.hz:,.1f}", last, message


def _moment(milliseconds: int) -> str:
    moment = timezone.localtime(datetime.fromtimestamp(milliseconds / 1000, UTC))
    return moment.strftime("%H:%M:%S.") + f"{milliseconds % 1000:03}"
