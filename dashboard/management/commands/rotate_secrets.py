"""Seals the secrets of all sources anew."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from dashboard.feeds.words import count
from dashboard.models import DataSource
from dashboard.models.secrets import NoKey, Unreadable, add_own_key, keeps_its_own, key_file, reseal


class Command(BaseCommand):
    help = "Seals the secrets of all sources anew with the first key, so that the other keys can be thrown away."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--new-key",
            action="store_true",
            help="make a new key first; where TICKWALL_SECRET_KEYS holds the keys, print one and change nothing",
        )

    def handle(self, *, new_key: bool, **options: Any) -> None:
        if new_key and not keeps_its_own():
            self.stdout.write(Fernet.generate_key().decode())
            self.stderr.write(
                "Put this key first in TICKWALL_SECRET_KEYS, before those that are there, for every process; "
                "restart them, then run manage.py rotate_secrets."
            )
            return
        if new_key:
            add_own_key()
            self.stdout.write(f"A new key stands first in {key_file()}.")
        self._reseal_all()

    def _reseal_all(self) -> None:
        done, unreadable = 0, []
        for number in DataSource.objects.exclude(secrets="").values_list("pk", flat=True):
            with transaction.atomic():
                source = DataSource.objects.select_for_update().filter(pk=number).first()
                if source is None:
                    continue
                try:
                    # Not saved as a form is: the secrets are the same, and nobody's edit becomes stale by this.
                    DataSource.objects.filter(pk=number).update(secrets=reseal(source.secrets))
                except Unreadable:
                    unreadable.append(source.slug)
                except NoKey as error:
                    raise CommandError(str(error)) from None
                else:
                    done += 1
        if unreadable:
            raise CommandError(
                f"{count(done, 'source')} sealed anew. No key opens the secrets of: {', '.join(unreadable)}. "
                "Enter these again, or bring their key back and run this once more; throw no key away before."
            )
        self.stdout.write(f"{count(done, 'source')} sealed anew. The first key alone is needed from now on.")
