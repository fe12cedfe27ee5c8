"""`manage.py runserver`: Daphne, as on a site, so that viewers hear goodbye when it stops."""

from __future__ import annotations

from typing import Any

from daphne.management.commands.runserver import Command as DaphneCommand


class Command(DaphneCommand):  # type: ignore[misc]  # Daphne has no types
    """Django's reloader runs the server in a thread of a second process, which no signal reaches: it would be gone
    without a goodbye to its viewers, and without a last flush. So it is there for those who ask for it."""

    help = "Starts the site. On SIGTERM or Ctrl-C its viewers hear goodbye; with --reload they do not."

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--reload",
            action="store_true",
            dest="use_reloader",
            help="Start anew when a file of the code changes. Viewers are then cut off, and come back.",
        )
        parser.set_defaults(use_reloader=False)
