"""What do viewers cost who never read what they are sent? 100 of them, beside others who do."""

from __future__ import annotations

import time
from dataclasses import replace

from bench import table
from bench.measure import load, under
from bench.servers import Ours, Scene
from bench.viewers import Plan

STALLED = 100
OTHERS = 50
SECONDS = 60


def main() -> dict[str, float]:
    plan = Plan(port=0, viewers=OTHERS, boards=Scene().names)
    out = table.Table(
        f"{STALLED} viewers who read nothing for {SECONDS} s, beside {OTHERS} who do, Daphne",
        ("moment", "p50 of the others", "p99", "memory of the server"),
    )
    with Ours("Tickwall, Daphne").run() as process:
        before = under(process, plan, 8.0)
        rss = process.rss()
        out.row("before", f"{before['p50']:.0f} ms", f"{before['p99']:.0f} ms", f"{rss / 1e6:.1f} MB")
        worst, most = 0.0, rss
        with load(replace(plan, port=process.port)) as others:
            rss = process.rss()
            with load(replace(plan, port=process.port, viewers=STALLED, stalled=STALLED)):
                begun = time.monotonic()
                others.mark()
                while (gone := time.monotonic() - begun) < SECONDS:
                    time.sleep(10)
                    ages = sorted(others.mark()["ages"])
                    p99 = ages[int(len(ages) * 0.99)]
                    worst, most = max(worst, p99), max(most, process.rss())
                    out.row(
                        f"{gone + 10:.0f} s",
                        f"{ages[len(ages) // 2]:.0f} ms",
                        f"{p99:.0f} ms",
                        f"{process.rss() / 1e6:.1f} MB",
                    )
    return {"slow memory": (most - rss) / 1e6, "slow p99": worst - before["p99"]}
