"""Tells Django of the one app."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "Dashboards"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.conf import settings
        from django.utils.module_loading import autodiscover_modules

        from dashboard import checks, signals  # noqa: F401  # both register themselves
        from dashboard.feeds import folders, reach, registry

        for module in settings.TICKWALL_EXTRA_KINDS:
            registry.add(module)
        folders.allow(settings.TICKWALL_SOURCE_FOLDERS)
        try:
            reach.allow(settings.TICKWALL_SOURCE_ALLOW_PRIVATE)
        except ValueError as error:
            raise ImproperlyConfigured(f"TICKWALL_SOURCE_ALLOW_PRIVATE: {error}.") from None
        # What the project's own apps publish, for sources of the kind `django`.
        autodiscover_modules("dashboard_feeds")
