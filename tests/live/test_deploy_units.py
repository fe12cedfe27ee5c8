"""The units and the Procfile name only what exists, and their commands run; Daphne ends TLS by itself where asked."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.support import units
from tests.support.proxy import Certificate, ask
from tests.support.rig import come_back, wait_until_ready
from tests.support.services import free_port, redis_server
from tests.support.site import ROOT, SERVERS, Site, site
from tests.support.viewer import Viewer

UNITS = ("tickwall-web@.service", "tickwall-worker@.service")
# Honcho's own; a process that takes longer to end is killed.
HONCHO_SECONDS = 5.0


def test_every_option_of_daphne_is_one() -> None:
    known = subprocess.run(
        [sys.executable, "-m", "daphne", "--help"], capture_output=True, text=True, check=True
    ).stdout
    commands = [" ".join(units.daphne(8001)), *(line for name, line in units.procfile() if name.startswith("web"))]
    assert len(commands) == 3
    for command in commands:
        for option in re.findall(r"(?<=\s)--?[a-z][\w-]*", command):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", known), option
        # A ping that times out after the next one was sent cuts clients that are alive.
        numbers = dict(re.findall(r"--(ping-\w+) (\d+)", command))
        assert int(numbers["ping-timeout"]) < int(numbers["ping-interval"])


@pytest.mark.parametrize("unit", UNITS)
def test_every_path_of_a_unit_exists(unit: str) -> None:
    text = (units.DEPLOY / unit).read_text()
    paths = set(re.findall(rf"(?:=|\s|-){units.HOME}(/[\w./-]*)", text)) - {""}
    assert "/.venv/bin/daphne" in paths or "/.venv/bin/python" in paths
    for path in paths:
        here = units.installed(path)
        assert here.exists() or here == ROOT / "var", path
    assert units.option(unit, "EnvironmentFile") == "/etc/tickwall/env"
    assert units.option(unit, "WorkingDirectory") == units.HOME


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_the_units(unit: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        assert (units.DEPLOY / unit).read_text().count("[Service]") == 1
        return  # what can be said without systemd, the tests above say
    instance = tmp_path / unit.replace("@", "@8001")
    text = (units.DEPLOY / unit).read_text().replace(f"{units.HOME}/.venv/bin", str(Path(sys.executable).parent))
    instance.write_text(text.replace(units.HOME, str(ROOT)))
    judged = subprocess.run(["systemd-analyze", "verify", instance], capture_output=True, text=True, check=False)
    complaints = [line for line in judged.stderr.splitlines() if unit.partition("@")[0] in line]
    assert (judged.returncode, complaints) == (0, [])


def test_a_service_has_longer_to_end_than_its_process_takes() -> None:
    assert float(units.option(UNITS[0], "TimeoutStopSec")) >= 8 + 2 + 5
    assert float(units.option(UNITS[1], "TimeoutStopSec")) >= 5 + 5


def test_waiting_for_a_process_that_never_comes_fails(tmp_path: Path) -> None:
    script = units.installed("/deploy/wait_until_ready.py")
    code = f"import runpy; it = runpy.run_path({str(script)!r}); it['main'].__globals__['SECONDS'] = 0.3\n"
    code += f"raise SystemExit(it['main']('http://127.0.0.1:{free_port()}/readyz'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "does not answer 200" in done.stderr


def test_the_procfile_runs(tmp_path: Path) -> None:
    """Each line, as honcho runs it: through a shell, in the root of the checkout, ended by SIGTERM to its group."""
    lines = units.procfile()
    assert [re.sub(r"\d", "", name) for name, _ in lines] == ["web", "web", "worker", "worker"]
    with redis_server() as redis:
        it = Site(tmp_path, **{**units.example_environment(), "REDIS_URL": redis})
        it.manage("migrate", "-v0")
        processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        ports: list[int] = []
        try:
            for name, line in lines:
                command = line
                if name.startswith("web"):
                    ports.append(free_port())
                    command = re.sub(r"-p \d+", f"-p {ports[-1]}", line)
                command = command.replace(".venv/bin", str(Path(sys.executable).parent))
                with (tmp_path / f"{name}.log").open("wb") as log:
                    process = subprocess.Popen(
                        command,
                        shell=True,
                        cwd=ROOT,
                        env=it.environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                processes.append((name, process))
            for port in ports:
                wait_until_ready(port)
                script = [sys.executable, "deploy/wait_until_ready.py", f"http://127.0.0.1:{port}/readyz"]
                assert subprocess.run(script, cwd=ROOT, check=False).returncode == 0
            for name, _ in processes:
                log_file = tmp_path / f"{name}.log"
                deadline = time.monotonic() + 20
                while "started" not in log_file.read_text():
                    assert time.monotonic() < deadline, log_file.read_text()
                    time.sleep(0.05)
            began = time.monotonic()
            for _, process in processes:
                os.killpg(process.pid, signal.SIGTERM)
            codes = {name: process.wait(15) for name, process in processes}
            assert time.monotonic() - began < HONCHO_SECONDS
            assert set(codes.values()) == {0}, codes
        finally:
            for _, process in processes:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(5)


async def test_daphne_ends_tls_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, port = Certificate.make(tmp_path), free_port()
    endpoint = f"ssl:{port}:privateKey={certificate.key}:certKey={certificate.path}:interface=127.0.0.1"
    monkeypatch.setitem(SERVERS, "tls", ["-m", "daphne", "-p", "{port}", "-e", endpoint, "config.asgi:application"])
    with site(tmp_path, "tls", TICKWALL_HTTPS="on"):
        url, trust = f"https://127.0.0.1:{port}", certificate.trust()
        viewer = Viewer(url, dashboard="market", tls=trust)
        await come_back(viewer, 20)
        await viewer.until(lambda: viewer.data_frames > 10)
        viewer.assert_right()
        await viewer.close()
        assert ask(url + "/", trust).status == 200
        with pytest.raises(InvalidStatus) as refused:
            await Viewer(url, origin=url.replace("https", "http"), dashboard="market", tls=trust).open()
        assert refused.value.response.status_code == 403
