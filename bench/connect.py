"""How long are viewers without data when their lines are cut? 500 at once, who come back as the page does."""

from __future__ import annotations

from bench import table
from bench.measure import load
from bench.servers import Ours, Scene
from bench.viewers import Plan

VIEWERS = 500
ROUNDS = 3


def main() -> dict[str, float]:
    out = table.Table(
        f"{VIEWERS} viewers cut at once, each back at a random moment within a second; until data flows again",
        ("server", "p50", "p99", "last", "server CPU spent"),
    )
    worst = 0.0
    for server in (Ours("Tickwall, Daphne"), Ours("Tickwall, uvicorn", "uvicorn")):
        with server.run() as process, load(Plan(port=process.port, viewers=VIEWERS, boards=Scene().names)) as viewers:
            for _ in range(ROUNDS):
                cpu = process.cpu()
                took = viewers.ask("cut")
                out.row(
                    server.name,
                    f"{took[len(took) // 2]:.2f} s",
                    f"{took[int(len(took) * 0.99)]:.2f} s",
                    f"{took[-1]:.2f} s",
                    f"{process.cpu() - cpu:.2f} s",
                )
                worst = max(worst, took[-1])
    return {"connect": worst}
