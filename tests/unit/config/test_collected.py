from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.core.management import call_command
from django.templatetags.static import static
from django.test import AsyncClient
from django.utils.functional import empty

from config import modules

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tree(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """A small site's files: an entry that imports a module beside it, one from npm, and one only when it is needed."""
    folder = tmp_path / "static"
    files = {
        "js/pages/entry.js": "import { a } from './a.js'\nimport plot from 'plot';\nimport('./b.js');\n",
        "js/pages/a.js": "import '../deep/c.js';\nexport const a = 1;\n",
        "js/pages/b.js": "export const b = 1;\n",
        "js/deep/c.js": "export * from '../pages/a.js';\n",
        "css/a.css": "body { color: red }\n" * 200,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    npm = tmp_path / "node_modules" / "plot" / "plot.mjs"
    npm.parent.mkdir(parents=True)
    npm.write_text("export default 1;\n")
    settings.STATICFILES_DIRS = [folder]
    settings.STATICFILES_FINDERS = [
        "django.contrib.staticfiles.finders.FileSystemFinder",
        "config.staticfiles.NpmFinder",
    ]
    settings.NPM_DIR, settings.NPM_MODULES, settings.NPM_FILES = (
        tmp_path / "node_modules",
        {"plot": "plot/plot.mjs"},
        [],
    )
    _forget()
    yield folder
    _forget()


def _forget() -> None:
    """What a process knows of its files it learns at its start; this begins a new one."""
    finders.get_finder.cache_clear()
    modules._import_map_once.cache_clear()
    modules._reachable_once.cache_clear()
    storages._storages.clear()  # type: ignore[attr-defined]
    staticfiles_storage._wrapped = empty  # type: ignore[attr-defined]


def collect() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    _forget()


async def fetch(client: AsyncClient, url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    answer = await client.get(url, headers=headers)
    body = b"".join([part async for part in answer]) if answer.streaming else answer.content
    return answer.status_code, dict(answer.headers), body


async def test_without_collecting_files_are_served_as_they_are(tree: Path, async_client: AsyncClient) -> None:
    assert static("css/a.css") == "/static/css/a.css"
    status, headers, body = await fetch(async_client, "/static/css/a.css")
    assert (status, headers["Cache-Control"]) == (200, "max-age=60, public")
    assert body == (tree / "css/a.css").read_bytes()
    (tree / "css/a.css").write_text("edited")
    assert (await fetch(async_client, "/static/css/a.css"))[2] == b"edited"
    for url in ("/static/css/none.css", "/static/npm/plot/package.json", "/static/../config/settings.py"):
        assert (await fetch(async_client, url))[0] == 404


async def test_collected_files_are_kept_for_ever_and_sent_compressed(tree: Path, async_client: AsyncClient) -> None:
    collect()
    url = static("css/a.css")
    assert re.fullmatch(r"/static/css/a\.[0-9a-f]{12}\.css", url)
    status, headers, body = await fetch(async_client, url, **{"Accept-Encoding": "gzip"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert headers["Cache-Control"].endswith("immutable")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert len(body) < 200
    assert "javascript" in (await fetch(async_client, static("npm/plot/plot.mjs")))[1]["Content-Type"]


async def test_after_an_edit_the_page_shows_the_edit_and_not_what_was_collected(
    tree: Path, async_client: AsyncClient
) -> None:
    collect()
    (tree / "css/a.css").write_text("new")
    later = time.time() + 5
    os.utime(tree / "css/a.css", (later, later))
    _forget()
    assert static("css/a.css") == "/static/css/a.css"
    assert (await fetch(async_client, "/static/css/a.css"))[2] == b"new"


def test_a_file_that_was_never_there_breaks_no_page(tree: Path) -> None:
    collect()
    assert static("css/none.css") == "/static/css/none.css"


def test_the_import_map_leads_every_module_to_one_place(tree: Path) -> None:
    assert modules.import_map() == {"imports": {"plot": "/static/npm/plot/plot.mjs"}}
    collect()
    imports = modules.import_map()["imports"]
    assert set(imports) == {"plot", "/static/npm/plot/plot.mjs"} | {
        f"/static/js/{name}.js" for name in ("pages/entry", "pages/a", "pages/b", "deep/c")
    }
    assert imports["plot"] == imports["/static/npm/plot/plot.mjs"]
    assert all(re.search(r"\.[0-9a-f]{12}\.m?js$", url) for url in imports.values())


def test_what_a_page_needs_at_once_is_fetched_at_once_and_what_it_needs_later_is_not(tree: Path) -> None:
    assert modules.preloads("js/pages/entry.js") == [
        "/static/js/pages/entry.js",
        "/static/js/pages/a.js",
        "/static/npm/plot/plot.mjs",
        "/static/js/deep/c.js",
    ]
    assert modules.preloads("js/pages/none.js") == ["/static/js/pages/none.js"]


def test_every_file_that_a_template_names_is_there() -> None:
    named = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"""\{% (?:static|module) ['"]([^'"]+)['"]""", path.read_text())
    }
    assert named
    assert [name for name in sorted(named) if not finders.find(name)] == []


def test_no_sheet_is_so_long_that_nobody_reads_it() -> None:
    assert [path.name for path in (ROOT / "static/css").glob("*.css") if len(path.read_text().splitlines()) > 250] == []
