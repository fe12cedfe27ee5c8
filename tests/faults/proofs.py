"""Shows what the tests of faults would miss: breaks the code in a copy, and expects the test to fail, by these words.

python -m tests.faults.proofs             all of them, for about a quarter of an hour
python -m tests.faults.proofs F17 F30
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.site import ROOT

# What a copy shares with the original, and what it does without.
SHARED = (".venv", "node_modules")
LEFT_OUT = shutil.ignore_patterns(*SHARED, ".git", "var", "__pycache__", ".*_cache")


@dataclass(frozen=True)
class Break:
    """A place in the code, and what stands there instead."""

    path: str
    text: str
    instead: str


@dataclass(frozen=True)
class Proof:
    """Without what `breaks` take out, this test fails and says so."""

    fault: str
    test: str
    said: str
    breaks: tuple[Break, ...]


def _proof(fault: str, test: str, said: str, path: str, text: str, instead: str, *more: Break) -> Proof:
    return Proof(fault, f"tests/{test}", said, (Break(path, text, instead), *more))


PROOFS = (
    _proof(
        "F1",
        "faults/test_processes.py::test_f1_a_killed_worker",
        "not within 10 s: worker2 has every source",
        "dashboard/ticklog/redis.py",
        "LEASE_MS = 6000\n",
        "LEASE_MS = 600_000\n",
    ),
    _proof(
        "F2",
        "faults/test_processes.py::test_f2_a_worker_is_asked_to_end",
        "viewer.source_silences().values()) <= 2",
        "dashboard/ingest/worker.py",
        "            await self._log.release(lease)\n",
        "            pass\n",
    ),
    _proof(
        "F3",
        "faults/test_processes.py::test_f3_an_owner_who_wakes_up",
        "without a gap",
        "dashboard/ticklog/append.lua",
        "if held ~= ARGV[1] then",
        "if false then",
    ),
    _proof(
        "F4",
        "faults/test_leases.py",
        "two owners of one source",
        "dashboard/ticklog/acquire.lua",
        "if held and string.match(held, '^%d+:(.*)$') ~= ARGV[1] then",
        "if false then",
    ),
    _proof(
        "F5",
        "faults/test_processes.py::test_f5_a_killed_web_process",
        "recovered >= 0.99 * count",
        "dashboard/live/connection.py",
        "since = {source: Place(*place) for source, place in request.since.items()}",
        "since: dict[int, Place] = {}",
    ),
    _proof(
        "F6",
        "faults/test_processes.py::test_f6_a_web_process_is_asked_to_end",
        "[late.close_code] == [4001]",
        "config/lifecycle.py",
        "        await live.current().drain(settings.TICKWALL_DRAIN_SECONDS)\n",
        "",
    ),
    _proof(
        "F7",
        "faults/test_rolling.py",
        '(half["gap"], half["whys"])',
        "dashboard/ingest/worker.py",
        "            await self._log.release(lease)\n",
        "            pass\n",
    ),
    _proof(
        "F8",
        "faults/test_database.py::test_f8_a_power_cut_of_one_process",
        "['ahead'] == ['epoch']",
        "dashboard/ticklog/memory.py",
        "self._epoch = secrets.token_urlsafe(6)",
        'self._epoch = "same"',
    ),
    _proof(
        "F10",
        "faults/test_hub.py",
        "time.monotonic() - began <",
        "config/tasks.py",
        "            self.restarts += 1\n",
        "            return\n",
    ),
    _proof(
        "F11",
        "faults/test_within.py::test_f11_a_mistake_in_the_midst_of_a_stream",
        "not within 10.0 s",
        "dashboard/live/mailbox.py",
        'message = {"type": BROKEN, "error": error}',
        "return",
    ),
    _proof(
        "F13",
        "faults/test_within.py::test_f13_an_event_loop_that_stands_still",
        "assert 0.0 == 1",
        "config/tasks.py",
        "if stall > STALL:",
        "if stall > 100:",
    ),
    _proof(
        "F14",
        "faults/test_database.py::test_f14_the_database_stands_still",
        "not within 20 s",
        "dashboard/live/connection.py",
        "PATIENCE = 9.0\n",
        "PATIENCE = 60.0\n",
    ),
    _proof(
        "F15",
        "faults/test_redis.py::test_f15_redis_is_killed_and_back_in_a_second",
        "without a gap",
        "dashboard/ingest/pipeline.py",
        "                await asyncio.sleep(delay)\n",
        "                self._flight = []\n                await asyncio.sleep(delay)\n",
    ),
    _proof(
        "F16",
        "faults/test_redis.py::test_f16_redis_comes_back_empty",
        "every viewer is in the new epochs",
        "dashboard/ticklog/redis.py",
        "    return secrets.token_urlsafe(6)\n",
        '    return "same"\n',
    ),
    _proof(
        "F17",
        "faults/test_redis.py::test_f17_redis_is_away[gone]",
        "viewers are told",
        "dashboard/live/hub.py",
        '            if known is None or known.state != "degraded":\n',
        "            if known is None:\n",
    ),
    _proof(
        "F17",
        "faults/test_redis.py::test_f17_redis_is_away[hung]",
        "all(books.gaps for books in viewer.books.values())",
        "dashboard/ingest/pipeline.py",
        "        if loss is not None:\n            self._open.setdefault(source, deque()).appendleft",
        "        if False:\n            self._open.setdefault(source, deque()).appendleft",
    ),
    _proof(
        "F20",
        "faults/test_redis.py::test_f20_redis_cuts_its_clients_off",
        "the source was never stopped",
        "dashboard/ingest/worker.py",
        "async with asyncio.timeout(self._pace.reconcile_seconds):",
        "async with asyncio.timeout(3600):",
    ),
    _proof(
        "F21",
        "faults/test_redis.py::test_f21_nothing_happens",
        "connections were made while nothing happened",
        "config/settings.py",
        '                    "socket_timeout": 15,\n',
        "",
        Break("dashboard/checks.py", "told > LAYER_SECONDS", "told > 0"),
    ),
    _proof(
        "F22",
        "faults/test_database.py::test_f22_postgresql_cuts_everybody_off_and_restarts",
        "<= 1",
        "config/settings.py",
        'DATABASES["default"]["CONN_HEALTH_CHECKS"] = True',
        'DATABASES["default"]["CONN_HEALTH_CHECKS"] = False',
    ),
    _proof(
        "F23",
        "faults/test_database.py::test_f23_others_take_every_connection",
        "assert 500 == 503",
        "config/errors.py",
        "if database_is_away(sys.exc_info()[1]):",
        "if False:",
    ),
    _proof(
        "F26",
        "faults/test_database.py::test_f26_the_file_is_not_there_or_not_to_be_written",
        "it is started again",
        "dashboard/ingest/herald.py",
        '            except Error as error:\n                logger.warning("states could',
        '            except KeyError as error:\n                logger.warning("states could',
    ),
    _proof(
        "F29",
        "faults/test_database.py::test_f29_a_migration_holds_its_tables",
        "<= SILENCE",
        "dashboard/ingest/worker.py",
        "kept = await self._log.renew(leases)",
        "kept = await self._log.renew(leases if await offload(control.desired)() else [])",
    ),
    _proof(
        "F30",
        "faults/test_slow.py::test_f30_a_viewer_who_reads_nothing",
        "said is not None",
        "dashboard/live/session.py",
        "if frame is None or frame.token is None or not self._flight:",
        "if True:",
    ),
    _proof(
        "F31",
        "faults/test_slow.py::test_f31_a_hundred_slow_readers",
        "max(worst) <= 2",
        "dashboard/live/session.py",
        "if self._flight and now - self._flight[0].at > LATE:",
        "if False:",
    ),
    _proof(
        "F33",
        "faults/test_lines.py::test_f33_a_line_of_which_nobody_hears_any_more",
        "the server has freed the socket",
        "dashboard/live/session.py",
        "if now - self._heard >= self.limits.silence_seconds:",
        "if False:",
    ),
    _proof(
        "F34",
        "faults/test_clients.py::test_f34_away_and_back",
        "not within 20 s",
        "dashboard/live/advance.py",
        "    if place.seq + 1 < ring.oldest:\n",
        "    if False:\n",
    ),
    _proof(
        "F35",
        "faults/test_clients.py::test_f35_reconnects_under_load",
        "before[0] * 1.02",
        "dashboard/consumers.py",
        "                live.current().leave(self.connection)\n",
        "                pass\n",
    ),
    _proof(
        "F36",
        "faults/test_lines.py::test_f36_all_lines_cut_at_once",
        "queries <= (2 if cookies else 0.5) * opened",
        "dashboard/live/answers.py",
        "        asked = kept.get(key)\n",
        "        asked = None\n",
    ),
    _proof(
        "F37",
        "faults/test_lines.py::test_f37_a_line_that_delays_and_loses",
        "Nothing was acknowledged for too long",
        "dashboard/live/session.py",
        "now - self._acked_at >= self.limits.ack_seconds",
        "now - self._acked_at >= 1",
    ),
    _proof(
        "F38",
        "faults/test_clients.py::test_f38_subscriptions_that_come_and_go",
        "sources still watched and viewers still there",
        "dashboard/consumers.py",
        "                live.current().leave(self.connection)\n",
        "                pass\n",
    ),
    _proof(
        "F41",
        "live/test_deploy.py::test_f41_nobody_is_cut_off_for_being_quiet",
        "assert (0 - 0) >= 5",
        "dashboard/live/session.py",
        "return self.greeted and now - self._beat >=",
        "return self.greeted and self.visible and now - self._beat >=",
    ),
    _proof(
        "F43",
        "faults/test_abuse.py::test_f43_malformed_frames",
        "the socket is still open",
        "dashboard/live/session.py",
        "return self.strikes >= 3",
        "return False",
    ),
    _proof(
        "F45",
        "faults/test_abuse.py::test_f45_a_flood_while_the_database_is_slow",
        "(4013, True)",
        "dashboard/live/mailbox.py",
        "if len(self._messages) >= MOST:",
        "if False:",
    ),
    _proof(
        "F47",
        "live/test_limits.py",
        "assert_refused",
        "dashboard/live/clients.py",
        "if most.per_address and self.addresses[address] >= most.per_address:",
        "if False:",
    ),
    _proof(
        "F48",
        "faults/test_abuse.py",
        "line.status in (403, 400)",
        "dashboard/live/origin.py",
        "    return origin is not None and (\n",
        "    return origin is not None and (\n        origin[1] == domain or\n",
    ),
    _proof(
        "F49",
        "faults/test_withdrawn.py",
        "data after the right was withdrawn",
        "dashboard/live/connection.py",
        "        if not self._requests and not self._overseen and self._proven and self._ended(await self._who()):\n",
        "        if True:\n",
    ),
    _proof(
        "F54",
        "faults/test_intake.py",
        "the one that is right, once",
        "dashboard/api/ingest.py",
        "abs(time.time() - int(stamp)) > TOLERANCE",
        "False",
    ),
    _proof(
        "full",
        "faults/test_redis.py::test_redis_is_full",
        "an append is refused",
        "dashboard/ticklog/redis_link.py",
        "return LogDamaged(words) if _is_of_a_key(error, words) else LogUnreachable(words)",
        "return LogDamaged(words)",
    ),
    _proof(
        "poison",
        "faults/test_processes.py::test_a_listener_survives_poison",
        "the poison is taken",
        "dashboard/ingest/worker.py",
        "LISTEN_AGAIN = 0.5\n",
        "LISTEN_AGAIN = 3600.0\n",
    ),
)


def prove(proof: Proof, folder: Path) -> tuple[bool, str]:
    """Runs the test on a broken copy; returns whether it failed by the expected words, and what it said."""
    copy = folder / "copy"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=LEFT_OUT)
    for name in SHARED:
        (copy / name).symlink_to(ROOT / name)
    for it in proof.breaks:
        path = copy / it.path
        path.write_text(path.read_text().replace(it.text, it.instead))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--force-reruns", "0", proof.test]
    done = subprocess.run(command, cwd=copy, env={**os.environ}, capture_output=True, text=True, check=False)
    shutil.rmtree(copy)
    said = [line for line in done.stdout.splitlines() if line.startswith(("E  ", ">  ", "FAILED"))]
    return done.returncode == 1 and any(proof.said in line for line in said), "\n".join(said[:6]) or done.stdout[-2000:]


def main(faults: list[str]) -> int:
    missed = 0
    for proof in PROOFS:
        if faults and proof.fault not in faults:
            continue
        with tempfile.TemporaryDirectory() as folder:
            noticed, said = prove(proof, Path(folder))
        missed += not noticed
        print(f"{proof.fault}: {'noticed' if noticed else 'NOT NOTICED'}\n{said}", flush=True)
    return missed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
