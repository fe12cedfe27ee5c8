"""Answers programs over HTTP under /api/v1/."""

from __future__ import annotations

from dashboard.api.answers import Api
from dashboard.api.docs import PlainDocs
from dashboard.api.identity import Identity
from dashboard.api.ingest import router as pushes
from dashboard.api.reads import router as reads
from dashboard.api.ticks import router as ticks

api = Api(
    title="Tickwall",
    version="1",
    description="What the dashboards show, for programs. Send a session cookie, or Authorization: Bearer tw_…",
    urls_namespace="api",
    auth=Identity(),
    docs=PlainDocs(),
)
api.add_router("", reads)
api.add_router("", ticks)
api.add_router("", pushes)
