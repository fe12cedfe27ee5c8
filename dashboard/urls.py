"""Names the pages of the dashboards."""

from __future__ import annotations

from django.urls import path

from dashboard import views

urlpatterns = [
    path("", views.index, name="index"),
    path("d/<slug:slug>/", views.dashboard, name="dashboard"),
]
