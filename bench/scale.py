"""How does the cost grow with viewers, series and sources? Each ten times, and ten times again."""

from __future__ import annotations

from dataclasses import replace

from bench import table
from bench.measure import Figures, in_turn, once
from bench.servers import Ours, Scene
from bench.viewers import Plan

VIEWERS = 100
# One step for all, so that the sources differ in number alone.
SCENE = Scene(ticks=100, step=0.1)

Case = tuple[str, Ours, int]

CASES: list[Case] = [
    *((f"{viewers:,} viewers", Ours("", scene=SCENE), viewers) for viewers in (10, 100, 1000)),
    *((f"{n:,} series", Ours("", scene=replace(SCENE, series=n, ticks=n)), VIEWERS) for n in (10, 100, 1000)),
    *((f"{n:,} sources", Ours("", scene=replace(SCENE, sources=n)), VIEWERS) for n in (1, 10, 100)),
]


def one(case: Case) -> Figures:
    _, server, viewers = case
    return once(server, Plan(port=0, viewers=viewers, boards=server.scene.names))


def main() -> dict[str, float]:
    out = table.Table(
        f"100 series x 10 Hz of one source to {VIEWERS} viewers on Daphne, unless the row says otherwise",
        ("row", "deliveries/s", "server CPU", "µs/delivery", "bytes/delivery", "age p50", "p99"),
    )
    for (name, _, _), found in in_turn(1, CASES, one).items():
        out.row(
            name,
            f"{found['ticks']:,.0f}",
            f"{found['cpu']:.1%}",
            f"{found['us']:.2f}",
            f"{found['bytes']:.1f}",
            f"{found['p50']:.0f} ms",
            f"{found['p99']:.0f} ms",
        )
    return {}
