"""Registers the admin: sources and their series, dashboards and their panels, tokens."""

from __future__ import annotations

from django.contrib import admin

from dashboard.admin import board, series, source, token  # noqa: F401  # they register themselves

admin.site.site_title = admin.site.site_header = "Tickwall"
admin.site.index_title = "Sources and dashboards"
