"""What does it cost to deliver one tick to one viewer? Ours and its peers side by side: 100 series at 10 Hz."""

from __future__ import annotations

import time
from dataclasses import replace

from bench import servers, table
from bench.measure import Figures, in_turn, load, once, under
from bench.servers import Ours, Peer, Scene
from bench.viewers import Plan
from tests.support.services import redis_server

ROUNDS = 3
# Those who send a frame for each tick saturate long before 500 viewers; the tutorial's consumer before four.
PER_TICK_VIEWERS = 50
TUTORIAL_VIEWERS = 3
VIEWERS = 500
OTHERS = (50, 200, 1000)
MARKET = Scene()
# Fifty dashboards, each of 100 series of its own choice.
FIFTY = Scene(series=150, boards=50, width=100, ticks=75)
# Seconds that idle viewers are watched: every one of them gets one heartbeat.
IDLE_SECONDS = 10.0

DAPHNE = Ours("Tickwall, Daphne")
UVICORN = Ours("Tickwall, uvicorn", "uvicorn")

Contender = tuple[Ours | Peer, int]


def contenders(redis: str) -> list[Contender]:
    return [
        (servers.CHANNELS, TUTORIAL_VIEWERS),
        (servers.NODE_TICK, PER_TICK_VIEWERS),
        (servers.WEBSOCKETS, PER_TICK_VIEWERS),
        (servers.NODE_BATCH, VIEWERS),
        (servers.RAW, VIEWERS),
        (DAPHNE, VIEWERS),
        (UVICORN, VIEWERS),
        (Ours("Tickwall, Daphne, through ASGI `send`", "daphne, ASGI send"), VIEWERS),
        (Ours("Tickwall, uvicorn, through ASGI `send`", "uvicorn, ASGI send"), VIEWERS),
        (Ours("Tickwall, Daphne, log in Redis, worker apart", redis=redis), VIEWERS),
        (Ours("Tickwall, Daphne, 50 different dashboards", scene=FIFTY), VIEWERS),
    ]


def one(contender: Contender) -> Figures:
    server, viewers = contender
    boards = server.scene.names if isinstance(server, Ours) else []
    return once(server, Plan(port=0, viewers=viewers, boards=boards))


def idle() -> Figures:
    """Returns what 500 viewers of a silent dashboard cost, next to nobody and next to 500 of the busy one."""
    quiet = Plan(port=0, viewers=VIEWERS, boards=["silent"], quiet=True)
    with DAPHNE.run() as process:
        nobody = under(process, replace(quiet, viewers=1), IDLE_SECONDS)["cpu"]
        silent = under(process, quiet, IDLE_SECONDS)["cpu"]
        busy = under(process, replace(quiet, boards=MARKET.names, quiet=False), IDLE_SECONDS)["cpu"]
    return {"nobody": nobody, "silent": silent, "busy": busy}


def memory(server: Ours | Peer) -> float:
    """Returns how many kB one more viewer takes, once there are some."""
    plan = Plan(port=0, viewers=50, boards=MARKET.names)
    if isinstance(server, Peer):
        plan = replace(plan, talk=server.talk, path="/")
    with server.run() as process, load(replace(plan, port=process.port)):
        time.sleep(1.5)
        before = process.rss()
        with load(replace(plan, port=process.port, viewers=VIEWERS)):
            time.sleep(1.5)
            return (process.rss() - before) / VIEWERS / 1000


def row(name: str, viewers: int, found: Figures) -> list[str]:
    return [
        name,
        f"{viewers:,}",
        f"{found['ticks']:,.0f}",
        f"{found['cpu']:.0%}",
        f"{found['load']:.0%}",
        f"{found['us']:.2f}",
        f"{found['bytes']:.1f}",
        f"{found['p50']:.0f} ms",
        f"{found['p99']:.0f} ms",
    ]


HEAD = (
    "server",
    "viewers",
    "deliveries/s",
    "server CPU",
    "load CPU",
    "µs/delivery",
    "bytes/delivery",
    "age p50",
    "p99",
)


def main() -> dict[str, float]:
    servers.install_peers()
    out = table.Table(f"100 series x 10 Hz, medians of {ROUNDS} rounds in turn", HEAD)
    with redis_server() as redis:
        found = in_turn(ROUNDS, contenders(redis), one)
    named = {server.name: figures for (server, _), figures in found.items()}
    for (server, viewers), figures in found.items():
        out.row(*row(server.name, viewers, figures))
    counts = [(server, count) for count in OTHERS for server in (servers.NODE_BATCH, DAPHNE, UVICORN)]
    for (server, viewers), figures in in_turn(1, counts, one).items():
        out.row(*row(server.name, viewers, figures))
    kept = {server.name: memory(server) for server in (servers.NODE_BATCH, DAPHNE, UVICORN)}
    print("\nMemory of one more viewer: " + ", ".join(f"{name} {size:.0f} kB" for name, size in kept.items()) + ".")
    quiet = idle()
    silent, busy = (quiet[name] - quiet["nobody"] for name in ("silent", "busy"))
    print(
        f"\n500 viewers of a silent dashboard: {silent:.2%} of a core; of the busy one: {busy:.2%}; "
        f"nobody: {quiet['nobody']:.2%}."
    )
    return _targets(named) | {
        "idle": max(silent, 0.0) / busy,
        "memory daphne": kept[DAPHNE.name],
        "memory uvicorn": kept[UVICORN.name],
    }


def _targets(named: dict[str, Figures]) -> dict[str, float]:
    """Returns what the table of targets asks for."""
    cost = {name: figures["us"] for name, figures in named.items()}
    ours, batched = cost[DAPHNE.name], cost[servers.NODE_BATCH.name]
    return {
        "daphne/channels": ours / cost[servers.CHANNELS.name],
        "daphne/node per tick": ours / cost[servers.NODE_TICK.name],
        "daphne/node batched": ours / batched,
        "daphne/raw": ours / cost[servers.RAW.name],
        "uvicorn/node batched": cost[UVICORN.name] / batched,
        "asgi send/node batched": cost["Tickwall, Daphne, through ASGI `send`"] / batched,
        "50 dashboards": cost["Tickwall, Daphne, 50 different dashboards"] / ours,
        "bytes": named[DAPHNE.name]["bytes"] / named[servers.NODE_TICK.name]["bytes"],
        "age p99": max(named[server.name]["p99"] for server in (DAPHNE, UVICORN)),
    }
