"""Turns what the hub, the worker and the tasks know of themselves into Prometheus' text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from config.tasks import Tasks
from dashboard.ingest.worker import Worker
from dashboard.live import wire
from dashboard.live.hub import Hub

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class _Process(Collector):
    def __init__(self, hub: Hub, worker: Worker | None, tasks: Tasks) -> None:
        self._hub, self._worker, self._tasks = hub, worker, tasks

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        hub = self._hub
        yield GaugeMetricFamily("tickwall_viewers", "Open sockets", len(hub.connections))
        yield GaugeMetricFamily("tickwall_watched_sources", "Sources that some viewer looks at", hub.watched_sources)
        yield CounterMetricFamily("tickwall_frames", "Snapshots, data and gaps sent to viewers", hub.frames_sent)
        yield GaugeMetricFamily("tickwall_log_unreachable", "1 while the tick log cannot be read", int(hub.degraded))
        ways = CounterMetricFamily("tickwall_sockets", "Sockets opened, by how frames leave", labels=["way"])
        for way, count in wire.ways.items():
            ways.add_metric([way], count)
        yield ways
        overheard = CounterMetricFamily(
            "tickwall_acks_overheard", "Acknowledgements read off transports", labels=["way"]
        )
        for way, count in wire.overheard.items():
            overheard.add_metric([way], count)
        yield overheard
        if self._worker is not None:
            appended = self._worker.pipeline.appended
            yield CounterMetricFamily("tickwall_ticks_appended", "Ticks that this process wrote to the log", appended)
        # One that rises with the sockets that have come and gone is a leak.
        yield GaugeMetricFamily("tickwall_loop_tasks", "Tasks of the event loop", len(asyncio.all_tasks()))
        yield CounterMetricFamily("tickwall_task_restarts", "Core tasks that failed", self._tasks.restarts)
        stalls = self._tasks.stalls
        yield CounterMetricFamily("tickwall_stalls", "Times that the event loop stood still for over a second", stalls)
        longest = self._tasks.longest_stall
        yield GaugeMetricFamily(
            "tickwall_longest_stall_seconds", "The longest that the event loop stood still", longest
        )
        yield GaugeMetricFamily("tickwall_tasks_down", "Core tasks that are not running", len(self._tasks.down))


def report(hub: Hub, worker: Worker | None, tasks: Tasks) -> bytes:
    """Returns the figures of this process as they are now."""
    registry = CollectorRegistry()
    registry.register(_Process(hub, worker, tasks))
    return generate_latest(registry)
