"""Finds the programs that the tests need beside Python and Node, and installs them where it may.

    python scripts/programs.py

As root on Debian or Ubuntu, what is missing is installed with apt. Elsewhere it says what to install and fails: a test
that cannot run is never skipped in silence.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


class Missing(Exception):
    """A program is not on this machine; the text says which, and what to install."""


def on_path(*names: str) -> Path | None:
    """Returns the first of these programs that is on the PATH or where Debian puts servers."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    return next((Path(found) for name in names if (found := shutil.which(name, path=path))), None)


def postgres_binary(name: str, root: Path = Path("/usr/lib/postgresql")) -> Path | None:
    """Returns a server program of the newest PostgreSQL that has it; Debian keeps those off the PATH."""
    versions = [folder for folder in root.glob("*") if re.fullmatch(r"\d+", folder.name)]
    for folder in sorted(versions, key=lambda folder: int(folder.name), reverse=True):
        if os.access(folder / "bin" / name, os.X_OK):
            return folder / "bin" / name
    return on_path(name)


@dataclass(frozen=True, slots=True)
class Program:
    """A program: what it is called, what it is for, how it is found, and the packages of Debian and of Ubuntu."""

    name: str
    purpose: str
    find: Callable[[], Path | None]
    debian: str
    ubuntu: str = ""

    def path(self) -> Path:
        """Returns where the program is. Raises Missing."""
        found = self.find()
        if found is None:
            raise Missing(f"{self.name} is not installed ({self.purpose}); on Debian: apt install {self.debian}")
        return found

    def package(self, system: str) -> str:
        return self.ubuntu if system == "ubuntu" and self.ubuntu else self.debian


REDIS = Program(
    "redis-server",
    "the tick log of several processes",
    lambda: on_path("redis-server", "valkey-server"),
    "redis-server",
)
INITDB = Program("initdb", "PostgreSQL, the other database", lambda: postgres_binary("initdb"), "postgresql")
POSTGRES = Program("postgres", "PostgreSQL, the other database", lambda: postgres_binary("postgres"), "postgresql")
CHROMIUM = Program(
    "chromium",
    "the browser of the browser tests",
    lambda: on_path("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"),
    "chromium",
    "chromium-browser",
)
NGINX = Program("nginx", "the proxy in front of several processes", lambda: on_path("nginx"), "nginx")
OPENSSL = Program("openssl", "certificates for the tests of TLS", lambda: on_path("openssl"), "openssl")
MOSQUITTO = Program("mosquitto", "the broker of `mqtt` sources", lambda: on_path("mosquitto"), "mosquitto")
PROGRAMS = (REDIS, INITDB, POSTGRES, CHROMIUM, NGINX, OPENSSL, MOSQUITTO)


def missing(programs: Sequence[Program]) -> list[Program]:
    return [program for program in programs if program.find() is None]


def system(release: Path = Path("/etc/os-release")) -> str:
    """Returns "debian" or "ubuntu" where apt installs packages, also for systems made from them, else ""."""
    if not release.exists() or shutil.which("apt-get") is None:
        return ""
    lines = (line.partition("=") for line in release.read_text().splitlines())
    known = {key: value.strip('"') for key, _, value in lines}
    kin = {known.get("ID", ""), *known.get("ID_LIKE", "").split()}
    return "ubuntu" if "ubuntu" in kin else "debian" if "debian" in kin else ""


def install(packages: Sequence[str]) -> None:
    """Installs packages with apt, asking nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages],
    ):
        print("+", *command, flush=True)
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)


def ensure(programs: Sequence[Program]) -> None:
    """Installs what is missing, or raises Missing with a line for each program."""
    wanted = missing(programs)
    here = system()
    if wanted and here and os.geteuid() == 0:
        try:
            install(sorted({program.package(here) for program in wanted}))
        except subprocess.CalledProcessError as problem:
            raise Missing(f"apt could not install what the tests need: {' '.join(problem.cmd)}") from None
        wanted = missing(wanted)
    if wanted:
        lines = [f"  {program.name:13} {program.purpose}" for program in wanted]
        packages = " ".join(sorted({program.package(here) for program in wanted}))
        advice = f"Install them: sudo apt install {packages}" if here else f"Install them (Debian's names: {packages})."
        raise Missing("\n".join(["The tests need programs that are not on this machine:", *lines, advice]))


if __name__ == "__main__":
    try:
        ensure(PROGRAMS)
    except Missing as problem:
        sys.exit(str(problem))
