"""Reads what deploy/ says is to be run, so that the tests run just that."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from tests.support.site import ROOT, Site

DEPLOY = ROOT / "deploy"
# Where the units expect an installation.
HOME = "/srv/tickwall"


def option(unit: str, name: str) -> str:
    """Returns an option of a unit, lines that go on joined."""
    text = (DEPLOY / unit).read_text().replace("\\\n", " ")
    (found,) = re.findall(rf"^{name}=(.*)$", text, re.M)
    return str(found)


def daphne(port: int | str) -> list[str]:
    """Returns the command of the web unit as arguments of `python -m`."""
    program, *arguments = shlex.split(option("tickwall-web@.service", "ExecStart").replace("%i", str(port)))
    return [Path(program).name, *arguments]


def procfile() -> list[tuple[str, str]]:
    """Returns name and command of each line of the Procfile."""
    lines = [line for line in (DEPLOY / "Procfile").read_text().splitlines() if line and not line.startswith("#")]
    return [(name, command.strip()) for name, _, command in (line.partition(":") for line in lines)]


def installed(path: str) -> Path:
    """Returns where on this machine a path below HOME is; the virtual environment is that of the tests."""
    _, bin_, name = path.partition("/.venv/bin/")
    return Path(sys.executable).parent / name if bin_ else ROOT / path.lstrip("/")


def example_environment() -> dict[str, str]:
    """Returns what deploy/env.example sets, without what every site has of its own."""
    lines = [line.partition("=") for line in (DEPLOY / "env.example").read_text().splitlines()]
    values = {name: value for name, equals, value in lines if equals and not name.startswith("#")}
    own = ("SECRET_KEY", "ALLOWED_HOSTS", "REDIS_URL", "DATABASE_URL")
    assert set(own) <= set(values)
    return {name: value for name, value in values.items() if name not in own}


def collect_static(site: Site, folder: Path) -> None:
    """Collects the static files into a folder of the test's own instead of var/static."""
    site.shell(
        f"from django.conf import settings; settings.STATIC_ROOT = {str(folder)!r}\n"
        "from django.core.management import call_command\n"
        "call_command('collectstatic', interactive=False, verbosity=0)"
    )
