"""Tells browsers where the JavaScript modules of a page are, and which of them to fetch before they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static

from config.staticfiles import NpmFinder, collected

# Only whole statements at the beginning of a line: what `import()` fetches later must not be fetched now.
_IMPORT = re.compile(r"""^\s*(?:import|export)\b(?:[^'"`;()]*?\bfrom)?\s*["']([^"']+)["']""", re.MULTILINE)


def import_map() -> dict[str, dict[str, str]]:
    """Maps the names of npm modules, and the plain URL of each collected module, to where it is.

    An `import "./ring.js"` in a collected module resolves to the plain URL beside it. Mapped, it leads to the collected
    one, so that every module is loaded once, whoever asks.
    """
    return _import_map_once() if collected() else _import_map()


def preloads(entry: str) -> list[str]:
    """Returns the URLs of a module and of all that it imports: a page then fetches them at once, not in a chain."""
    names = _reachable_once(entry) if collected() else _reachable(entry)
    return [static(name) for name in names]


def _import_map() -> dict[str, dict[str, str]]:
    imports = {name: static(f"{NpmFinder.prefix}/{path}") for name, path in settings.NPM_MODULES.items()}
    for name, hashed in getattr(staticfiles_storage, "hashed_files", {}).items() if collected() else ():
        ours = name.startswith(("js/", f"{NpmFinder.prefix}/")) and name.endswith((".js", ".mjs"))
        if ours and name != hashed:
            imports[settings.STATIC_URL + name] = settings.STATIC_URL + hashed
    return {"imports": imports}


def _reachable(entry: str) -> tuple[str, ...]:
    found = [entry]
    for name in found:
        found += [target for target in dict.fromkeys(_targets(name)) if target not in found]
    return tuple(found)


def _targets(name: str) -> Iterator[str]:
    """Yields the names of the files that a module imports."""
    path = finders.find(name)
    if not isinstance(path, str):
        return
    for target in _IMPORT.findall(Path(path).read_text()):
        if target.startswith("."):
            yield normpath(join(dirname(name), target))
        elif target in settings.NPM_MODULES:
            yield f"{NpmFinder.prefix}/{settings.NPM_MODULES[target]}"


_import_map_once = cache(_import_map)
_reachable_once = cache(_reachable)
