"""What does a page cost that polls, or gets server-sent events? The same page on our socket, beside them."""

from __future__ import annotations

from dataclasses import replace

from bench import servers, table
from bench.measure import Figures, once, under
from bench.servers import Ours, Scene
from bench.viewers import Plan

VIEWERS = 50
# The same page once with all series ticking together once a second, once as busy as in the other tables.
CALM = Scene(series=24, ticks=24, step=1.0)
BUSY = Scene()
SECONDS = 5.0


def main() -> dict[str, float]:
    out = table.Table(
        f"{VIEWERS} viewers on Daphne; bytes and requests a second and viewer, in both directions",
        ("page", "way", "bytes/s", "requests/s", "server CPU/viewer", "age p50", "p95"),
    )
    targets: dict[str, float] = {}
    for name, scene, spacing in (("24 series x 1 Hz", CALM, 1000), ("100 series x 10 Hz", BUSY, 100)):
        site = Ours("Tickwall", scene=scene)
        ids = ",".join(str(number) for number in range(1, scene.series + 1))
        plan = Plan(port=0, viewers=VIEWERS, boards=scene.names, spacing=spacing)
        with site.run() as process:
            nobody = under(process, replace(plan, viewers=1), SECONDS)["cpu"]
            live = under(process, plan, SECONDS)
            poll = under(process, replace(plan, talk="poll", path=f"/api/v1/latest?series={ids}"), SECONDS)
        ways = {"GET /latest, once a second": poll, "Tickwall's socket": live}
        for way, figures in ways.items():
            figures["cpu"] = max(figures["cpu"] - nobody, 0.0)
            out.row(*_row(name, way, figures))
        if scene is BUSY:
            out.row(*_row(name, servers.STREAM.name, once(servers.STREAM, plan, SECONDS)))
        targets |= {
            f"poll {name} {what}": live[key] / poll[key]
            for what, key in (("bytes", "sent"), ("age", "p50"), ("cpu", "cpu"))
        }
    return targets


def _row(page: str, way: str, found: Figures) -> list[str]:
    return [
        page,
        way,
        f"{found['sent']:,.0f}",
        f"{found['requests']:.1f}",
        f"{found['cpu'] / VIEWERS * 1e6:,.0f} µs/s",
        f"{found['p50']:.0f} ms",
        f"{found['p95']:.0f} ms",
    ]
