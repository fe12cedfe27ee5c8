from __future__ import annotations

import pytest
from django.test import Client

from dashboard.admin import source_form
from dashboard.feeds import registry as feeds_registry
from dashboard.feeds.registry import Registry
from tests.unit.admin import kinds
from tests.unit.models.cast import Cast, assemble


@pytest.fixture
def cast(db: None) -> Cast:
    return assemble()


@pytest.fixture(autouse=True)
def there_are_only_kinds_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(kinds)
    monkeypatch.setattr(source_form, "kinds", registry.kinds)
    monkeypatch.setattr(source_form, "kind", registry.kind)
    # For the feeds that a test of a config runs.
    monkeypatch.setitem(feeds_registry._registry._loaded, "boiler", registry.kind("boiler"))
    monkeypatch.setitem(feeds_registry._registry._added, "boiler", "tests.unit.admin.kinds.boiler")


@pytest.fixture
def admin(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.root)
    return client
