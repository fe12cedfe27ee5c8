"""Has a source's form show another kind's fields, try what is typed, and lock the row while it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from dashboard.admin.source_form import TEST, DataSourceForm
from dashboard.feeds.trial import Busy, Trial, trial_of
from dashboard.models import DataSource

# So many series are shown of a trial; a source may have thousands.
MOST_SERIES = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is shown of a trial: whether it went well, in words, and rows of series, time, value and volume."""

    good: bool
    words: str
    rows: tuple[tuple[str, str, object, object], ...] = ()
    more: int = 0


class TrialMixin:
    """Stands before Django's own views. What is typed is tried outside of their transaction: it takes seconds."""

    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST" and TEST in request.POST:
            request.outcome = self._tried(request, object_id)  # type: ignore[attr-defined]
        answer: HttpResponse = super().changeform_view(request, object_id, *args, **kwargs)  # type: ignore[misc]
        return answer

    def _tried(self, request: HttpRequest, object_id: str | None) -> Outcome | None:
        admin: Any = self
        source = admin.get_queryset(request).filter(pk=object_id).first() if object_id else None
        if not (admin.has_change_permission(request, source) if object_id else admin.has_add_permission(request)):
            raise PermissionDenied
        form = DataSourceForm(request.POST, instance=source)
        form.full_clean()
        given = form.cleaned_data
        if not {"kind", "config", "cadence", "max_series"} <= given.keys() or form.strange_kind == given["kind"]:
            return None  # what is wrong stands at its field
        slug = given.get("slug") or "new"
        try:
            found = trial_of(slug, given["kind"], given["config"], form.secrets, given["cadence"], given["max_series"])
        except Busy as error:
            return Outcome(False, str(error))
        return outcome(found)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)  # type: ignore[misc]
        form.trial = getattr(request, "outcome", None)
        return form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Holds the row from the look at its version to the end of the save, so that nobody saves in between."""
        if request.method == "POST" and str(object_id).isdecimal():
            DataSource.objects.select_for_update().filter(pk=object_id).first()
        return super().get_object(request, object_id, from_field)  # type: ignore[misc]


def outcome(found: Trial) -> Outcome:
    good, words = found.verdict()
    shown = list(found.samples.items())[:MOST_SERIES]
    rows = tuple(
        (key, _moment(sample.time), sample.value, "" if sample.volume is None else sample.volume)
        for key, samples in shown
        for sample in samples
    )
    return Outcome(good, f"It {words}", rows, len(found.samples) - len(shown))


def _moment(milliseconds: int) -> str:
    moment = timezone.localtime(datetime.fromtimestamp(milliseconds / 1000, UTC))
    return moment.strftime("%H:%M:%S.") + f"{milliseconds % 1000:03}"
