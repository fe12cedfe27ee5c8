"""Runs the benchmarks that are named, or all, and says which targets are met: `python -m bench [fanout …]`."""

from __future__ import annotations

import importlib
import os
import platform
import sys
import time

from bench import targets

QUESTIONS = ("fanout", "scale", "polling", "ingest", "ingest_http", "log", "connect", "slow", "browser")


def main() -> None:
    chosen = sys.argv[1:] or QUESTIONS
    unknown = [name for name in chosen if name not in QUESTIONS]
    if unknown:
        raise SystemExit(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(QUESTIONS)}")
    print(
        f"{time.strftime('%Y-%m-%d %H:%M')}, {os.cpu_count()} cores ({platform.machine()}), {platform.system()}, "
        f"Python {platform.python_version()}; load before the run: {os.getloadavg()[0]:.1f}"
    )
    figures: dict[str, float] = {}
    began = time.monotonic()
    for name in chosen:
        print(f"\n## {name}", flush=True)
        question = importlib.import_module(f"bench.{name}")
        print(f"\n{question.__doc__.splitlines()[0]}")
        asked = time.monotonic()
        figures |= question.main() or {}
        print(f"\n({time.monotonic() - asked:.0f} s)")
    print("\n## targets")
    targets.judge(figures)
    print(f"\nIt took {(time.monotonic() - began) / 60:.1f} minutes.")


main()
