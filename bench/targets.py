"""Holds what the figures are to be, and says which are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bench import table


class Target(NamedTuple):
    """`figure` is the name under which a question returns it; it is met at `limit` and below, or above if `least`."""

    words: str
    figure: str
    limit: float
    form: str = "{:.2f}"
    least: bool = False


RATIO, PARTS = "{:.2f} x", "1/{:.0f}"

TARGETS = (
    Target("Daphne, 500 viewers: against Channels as its tutorial shows it", "daphne/channels", 1 / 600, PARTS),
    Target("… against Node `ws`, a frame per tick", "daphne/node per tick", 1 / 25, PARTS),
    Target("… against Node `ws`, 50 ms batches", "daphne/node batched", 1.1, RATIO),
    Target("… against raw sockets", "daphne/raw", 2, RATIO),
    Target("uvicorn, 500 viewers: against Node `ws`, 50 ms batches", "uvicorn/node batched", 0.9, RATIO),
    Target("Daphne through ASGI `send`: against Node `ws`, 50 ms batches", "asgi send/node batched", 5, RATIO),
    Target("50 different dashboards: against the same one", "50 dashboards", 2, RATIO),
    Target("bytes per tick: against one JSON object per tick", "bytes", 1 / 4, RATIO),
    Target("age of tick at 500 viewers or fewer, p99", "age p99", 75, "{:.0f} ms"),
    Target("idle viewer: against a busy one", "idle", 1 / 50, PARTS),
    Target("memory per connection, Daphne", "memory daphne", 50, "{:.0f} kB"),
    Target("memory per connection, uvicorn", "memory uvicorn", 40, "{:.0f} kB"),
    Target("100 stalled viewers for 60 s: memory in all", "slow memory", 20, "{:.1f} MB"),
    Target("… p99 of the others, beyond what it was", "slow p99", 25, "{:+.0f} ms"),
    Target("500 viewers cut at once: all live again", "connect", 5, "{:.1f} s"),
    Target("ticks per second of a worker's CPU, memory", "ingest memory", 100_000, "{:,.0f}", least=True),
    Target("… Redis", "ingest Redis", 50_000, "{:,.0f}", least=True),
    *(
        Target(f"{page}: {words} against polling once a second", f"poll {page} {figure}", limit, PARTS)
        for page in ("24 series x 1 Hz", "100 series x 10 Hz")
        for words, figure, limit in (
            ("bytes", "bytes", 1 / 10),
            ("median age of a tick", "age", 1 / 10),
            ("server CPU", "cpu", 1 / 20),
        )
    ),
    Target("30 line panels: main thread for a drawn frame", "browser 30", 10, "{:.1f} ms"),
    Target("20 line panels: main thread for a drawn frame", "browser 20", 10, "{:.1f} ms"),
    Target("200 rows at 10 Hz: p95 of a main-thread task", "browser rows", 16, "{:.1f} ms"),
    # A mark is what one collection leaves, which differs by some hundred kilobytes of seven megabytes.
    Target("half an hour of ticks: heap in the end against full stores", "browser heap", 1.1, RATIO),
    Target("… detached nodes that came", "browser detached", 0, "{:+.0f}"),
)


def judge(figures: Mapping[str, float]) -> None:
    """Prints the targets whose figures are known."""
    out = table.Table("Targets", ("what", "target", "measured", ""))
    for target in TARGETS:
        if target.figure not in figures:
            continue
        found = figures[target.figure]
        met = found >= target.limit if target.least else found <= target.limit
        sign = "≥" if target.least else "≤"
        out.row(
            target.words, f"{sign} {_say(target, target.limit)}", _say(target, found), "met" if met else "**missed**"
        )


def _say(target: Target, figure: float) -> str:
    if target.form == PARTS and figure < 1:
        return PARTS.format(1 / max(figure, 1e-9))
    return (RATIO if target.form == PARTS else target.form).format(figure)
