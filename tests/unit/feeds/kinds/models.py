"""Holds the counterpart of the kind `django`: rows of a model, in a database of its own."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, models

from dashboard.feeds import queries
from dashboard.publish import publish
from tests.unit.feeds.kinds.contract import Counterpart


class Bolt(models.Model):
    name = models.CharField(max_length=50, unique=True)
    kilos = models.FloatField()

    class Meta:
        app_label = "plant"

    def __str__(self) -> str:
        return self.name


TABLE = Bolt._meta.db_table


class DjangoCounterpart(Counterpart):
    """One row, which goes away with its table."""

    kind = "django"
    # A query sees what is there when it is asked.
    every_value_counts = False
    flood = 200
    away = False

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        super().__init__(request, folder)
        patch, blocker = request.getfixturevalue("monkeypatch"), request.getfixturevalue("django_db_blocker")
        patch.setattr(queries, "_queries", {})
        # Every thread keeps what it knows of a name.
        self.database = f"plant_{secrets.token_hex(4)}"
        options = {"timeout": 20, "init_command": "PRAGMA journal_mode=WAL"}
        file = {"NAME": str(folder / "plant.sqlite3"), "OPTIONS": options}
        patch.setitem(connections.databases, self.database, {**connections.databases["default"], **file})
        blocker.unblock()
        request.addfinalizer(blocker.restore)
        with connections[self.database].schema_editor() as editor:
            editor.create_model(Bolt)
        connections[self.database].close()
        self.rows = Bolt.objects.using(self.database)
        publish("plant", self.rows.all(), key="name", value="kilos")

    async def start(self) -> None:
        if self.away:
            await self._tell(f"ALTER TABLE {TABLE}_away RENAME TO {TABLE}")
        self.away = False

    async def stop(self) -> None:
        await self._tell(f"ALTER TABLE {TABLE} RENAME TO {TABLE}_away")
        self.away = True

    def config(self) -> dict[str, Any]:
        return {"query": "plant", "interval": 0.3, "check": 0.1, "pause": 0.05}

    def changed(self) -> dict[str, Any]:
        return self.config() | {"check": 0.2}

    async def give(self, value: float) -> None:
        if not self.away:
            await self.rows.aupdate_or_create(name="a", defaults={"kilos": value})

    async def babble(self, text: str) -> None:
        # A database of the kind that keeps whatever it is given, as SQLite does, gives it back as well.
        await self._tell(f"UPDATE {TABLE} SET kilos = %s", text.replace("\0", ""))

    async def fall_silent(self) -> None:
        await self.rows.all().adelete()

    @sync_to_async
    def _tell(self, command: str, *values: str) -> None:
        with connections[self.database].cursor() as cursor:
            cursor.execute(command, values)
