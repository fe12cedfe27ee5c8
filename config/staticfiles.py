"""Finds, names and serves the files of the pages, those from npm included, without a build step."""

from __future__ import annotations

import builtins
import fnmatch
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage, Storage
from django.http import HttpRequest, HttpResponseBase
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import MissingFileError
from servestatic.storage import CompressedManifestStaticFilesStorage


class NpmFinder(BaseFinder):
    """Finds the files of npm packages that the settings name, and no others, under npm/.

    A package brings sources, tests and maps along; listing whole packages would put all of that on the web.
    """

    prefix = "npm"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(location=settings.NPM_DIR)
        self.storage.prefix = self.prefix  # type: ignore[attr-defined]  # collectstatic asks for it
        self.storages = {self.prefix: self.storage}

    def patterns(self) -> set[str]:
        return {*settings.NPM_MODULES.values(), *settings.NPM_FILES}

    def is_allowed(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.patterns())

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        prefix, _, name = path.replace(os.sep, "/").partition("/")
        if prefix == self.prefix and ".." not in name and self.is_allowed(name):
            found = Path(settings.NPM_DIR) / name
            if found.is_file():
                return [str(found)] if find_all else str(found)
        return []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        ignored = [*(ignore_patterns or ())]
        for pattern in sorted(self.patterns()):
            for path in sorted(Path(settings.NPM_DIR).glob(pattern)):
                name = path.relative_to(settings.NPM_DIR).as_posix()
                if not any(fnmatch.fnmatch(name, each) for each in ignored):
                    yield name, self.storage

    def check(self, **kwargs: Any) -> builtins.list[CheckMessage]:
        missing = [pattern for pattern in sorted(self.patterns()) if not any(Path(settings.NPM_DIR).glob(pattern))]
        hint = "Run: make setup"
        return [
            Error(f"The file {name} of an npm package is missing.", hint=hint, id="tickwall.npm") for name in missing
        ]


class CollectedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Names collected files by their content. What was not collected keeps its own name and is served all the same.

    So a server that was started without `collectstatic`, or after an edit, shows the files as they are instead of
    failing, or, worse, of showing those of yesterday.
    """

    def load_manifest(self) -> tuple[dict[str, str], str]:
        return super().load_manifest() if self.is_current() else ({}, "")

    def is_current(self) -> bool:
        """Says whether everything was collected after its last change."""
        if not self.location or not self.exists(self.manifest_name):
            return False
        collected = os.stat(self.path(self.manifest_name)).st_mtime
        files = (storage.path(name) for finder in finders.get_finders() for name, storage in finder.list([]))
        return all(os.stat(path).st_mtime <= collected for path in files)

    def stored_name(self, name: str) -> str:
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name


class StaticFiles(ServeStaticMiddleware):  # type: ignore[misc]
    """Serves the collected files, which browsers may keep for ever; without them, the files as they are."""

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        super().__init__(get_response)
        if not self.files:
            self.autorefresh = True

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return await super().__call__(request)  # type: ignore[no-any-return]
        except MissingFileError:
            # With DEBUG a file that is not there would be a failure of the server; it is a page that is not there.
            return await self.get_response(request)  # type: ignore[no-any-return]

    def candidate_paths_for_url(self, url: str) -> Iterator[str]:
        """Asks the finders and nobody else: they know what may be seen."""
        if url.startswith(self.static_prefix):
            found = finders.find(url.removeprefix(self.static_prefix))
            if isinstance(found, str):
                yield found


def collected() -> bool:
    """Says whether the pages name collected files, which never change while the process runs."""
    return not settings.DEBUG and bool(getattr(staticfiles_storage, "hashed_files", None))
