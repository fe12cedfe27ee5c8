"""Turns what the hub, the worker and the tasks know of themselves into Prometheus' text."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from config.tasks import Tasks
from dashboard.ingest.worker import Worker
from dashboard.live import refusals, wire
from dashboard.live.clients import Clients
from dashboard.live.hub import Hub

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class _Process(Collector):
    def __init__(self, hub: Hub, clients: Clients, worker: Worker | None, tasks: Tasks) -> None:
        self._hub, self._clients, self._worker, self._tasks = hub, clients, worker, tasks

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        hub = self._hub
        yield GaugeMetricFamily("tickwall_viewers", "Open sockets", len(hub.connections))
        yield GaugeMetricFamily("tickwall_watched_sources", "Sources that some viewer looks at", hub.watched_sources)
        yield CounterMetricFamily("tickwall_frames", "Snapshots, data and gaps sent to viewers", hub.frames_sent)
        yield GaugeMetricFamily("tickwall_log_unreachable", "1 while the tick log cannot be read", int(hub.degraded))
        yield _by("way", "tickwall_sockets", "Sockets opened, by how frames leave", wire.ways)
        yield _by("way", "tickwall_acks_overheard", "Acknowledgements read off transports", wire.overheard)
        yield _by("code", "tickwall_errors", "Messages of viewers answered with err, by its code", refusals.errors)
        byes = {str(int(code)): count for code, count in refusals.farewells.items()}
        yield _by("code", "tickwall_byes", "Viewers who were sent away, by close code", byes)
        # Refused before the accept, or told that they are too many.
        refused = refusals.handshakes + self._clients.refused
        yield _by("why", "tickwall_sockets_refused", "Sockets refused, by reason", refused)
        if self._worker is not None:
            appended = self._worker.pipeline.appended
            yield CounterMetricFamily("tickwall_ticks_appended", "Ticks that this process wrote to the log", appended)
            ticks = GaugeMetricFamily(
                "tickwall_ticks_refused", "Ticks refused by the sources that run here, by kind", labels=["kind"]
            )
            for kind, count in _refused(self._worker).items():
                ticks.add_metric([kind], count)
            yield ticks
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


def _by(label: str, name: str, words: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def _refused(worker: Worker) -> Counter[str]:
    """Returns the refused ticks of each kind, of each source since it was started."""
    refused: Counter[str] = Counter()
    healths = worker.supervisor.healths
    for source, spec in worker.supervisor.specs.items():
        refused[spec.kind] += healths[source].refused
    return refused


def report(hub: Hub, clients: Clients, worker: Worker | None, tasks: Tasks) -> bytes:
    """Returns the figures of this process as they are now."""
    registry = CollectorRegistry()
    registry.register(_Process(hub, clients, worker, tasks))
    return generate_latest(registry)
