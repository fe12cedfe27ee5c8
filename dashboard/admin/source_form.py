"""Checks a source as it is typed in: its kind is one that there is, its config one that the kind accepts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.utils import ErrorDict

from dashboard.admin.config_field import ConfigField
from dashboard.admin.config_reader import Typed
from dashboard.admin.config_schema import members
from dashboard.admin.fresh import FreshForm
from dashboard.feeds.completion import aim, complete
from dashboard.feeds.registry import BadConfig, UnknownKind, kind, kinds, secret_names
from dashboard.models import DataSource, Series
from dashboard.models.secrets import NoKey, Unreadable, seal, unseal

# The button that shows the fields of the chosen kind, and the one that tries what is typed. Neither saves.
REDRAW, TEST = "_redraw", "_test"
# What most people come for.
FIRST_KIND = "http"
ELSEWHERE = (
    "The source would now connect elsewhere. Enter this again, or clear it: "
    "what is stored is sent to nobody for whom it was not meant."
)


def trouble_with(name: str) -> str:
    """Returns what is wrong with a kind, in plain words; empty when nothing is."""
    try:
        kind(name)
    except UnknownKind as error:
        return str(error)
    return ""


class DataSourceForm(FreshForm):
    """The row's own kind stays among the choices even if the code does not know it (any more).

    `trial` is what came of a test of what is typed, if that was asked for.
    """

    kind = forms.ChoiceField()
    config = ConfigField(
        required=False,
        label="",
        help_text="What the kind needs to know, as JSON. What you leave out is filled in by its defaults.",
    )
    trial: Any = None
    watched = ("name", "slug", "kind", "config", "enabled", "cadence", "max_series")

    class Meta:
        model = DataSource
        fields = ("name", "slug", "kind", "config", "enabled", "cadence", "max_series")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = kinds()
        choices = [(name, feed.label) for name, feed in known.items()]
        self.strange_kind = self.instance.kind if trouble_with(self.instance.kind) else ""
        if self.strange_kind and self.instance.pk:
            choices.append((self.strange_kind, f"{self.strange_kind} (not available here: does not run)"))
        if not self.instance.pk and FIRST_KIND in known:
            self.initial.setdefault("kind", FIRST_KIND)
        self.secrets: dict[str, str] = {}
        self._stored, self._lost = self._opened()
        if "kind" in self.fields:  # not for somebody who may only look
            field: Any = self.fields["kind"]
            field.choices = choices
            self._draw(choices[0][0] if choices else "")

    def adopt(self, name: str, loaded: Any, now: Any) -> None:
        widget: Any = self.fields["config"].widget if "config" in self.fields else None
        if name != "config" or not widget.members:
            super().adopt(name, loaded, now)
            return
        typed = widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        if isinstance(typed, Typed) and isinstance(loaded, dict) and isinstance(now, dict):
            before = {**{member.name: member.default for member in widget.members}, **loaded}
            untouched = {field for field, value in typed.given.items() if before.get(field) == value}
            widget.adopted = {field: value for field, value in now.items() if field in untouched}

    @property
    def only_shown(self) -> bool:
        return self.is_bound and (REDRAW in self.data or TEST in self.data)

    def is_valid(self) -> bool:
        """What was only to be shown or tried is never saved."""
        return super().is_valid() and not self.only_shown

    def full_clean(self) -> None:
        if self.is_bound and REDRAW in self.data:
            self._errors, self.cleaned_data = ErrorDict(), {}
            return
        super().full_clean()
        if self.is_bound and TEST in self.data and self._errors:
            # Whoever tries a config has perhaps not found a name yet.
            for name in set(self._errors) - {"kind", "config", "cadence", "max_series"}:
                del self._errors[name]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        name, config = cleaned.get("kind"), cleaned.get("config")
        if isinstance(config, Typed) and config.switched:
            cleaned.pop("config")
            self.add_error("kind", "You chose another kind. Look at its fields below, and save again.")
        elif name and config is not None and name != self.strange_kind:
            self._complete(name, config, cleaned)
        elif isinstance(config, Typed):
            cleaned["config"] = config.given
        else:
            # Nobody here knows the schema of a strange kind; its row can still be renamed and disabled.
            self.secrets = self._stored
        self._follow(cleaned)
        return cleaned

    def _follow(self, cleaned: dict[str, Any]) -> None:
        """Lets the cadence of a new source be the interval of its config, unless somebody has set it."""
        config = cleaned.get("config")
        interval = config.get("interval") if isinstance(config, dict) else None
        if not self.instance.pk and "cadence" not in self.changed_data and isinstance(interval, int | float):
            cleaned["cadence"] = max(float(interval), 0.01)

    def _complete(self, name: str, typed: Typed | dict[str, Any], cleaned: dict[str, Any]) -> None:
        given, troubles = (typed.given, typed.troubles) if isinstance(typed, Typed) else (typed, {})
        readable = {field: value for field, value in given.items() if field not in _tops(troubles)}
        stored = self._stored if name == self._kind_before else {}
        complaints = list(troubles.items())
        try:
            cleaned["config"], self.secrets = complete(kind(name), readable, stored)
        except BadConfig as error:
            complaints += [each for each in error.fields if each[0].partition(".")[0] not in _tops(troubles)]
        else:
            complaints += self._strays(name, readable, cleaned["config"])
        if not complaints:
            self._seal(name, readable)
        else:
            cleaned.pop("config", None)
        self._complain(complaints, isinstance(typed, Typed))

    def _strays(self, name: str, given: dict[str, Any], config: dict[str, Any]) -> list[tuple[str, str]]:
        """Returns the stored secrets that would go where they have not gone before."""
        if not self._stored or aim(config) == self._aim_before(name):
            return []
        return [(field, ELSEWHERE) for field in self._stored if field in self.secrets and not given.get(field)]

    def _aim_before(self, name: str) -> Any:
        try:
            return aim(complete(kind(name), self._config_before, self._stored)[0])
        except BadConfig:
            return aim(self._config_before)

    def _seal(self, name: str, given: dict[str, Any]) -> None:
        same_kind = name == self._kind_before
        cleared = any(given.get(field, "") is None for field in secret_names(kind(name)))
        if same_kind and self.secrets == self._stored and not (self._lost and cleared):
            return  # lost ones stay as well, for their key may come back
        try:
            self.instance.secrets = seal(self.secrets)
        except NoKey as error:
            self._complain([("", str(error))], False)

    def _complain(self, complaints: list[tuple[str, str]], at_fields: bool) -> None:
        if not complaints:
            return
        if not at_fields:
            for path, sentence in complaints:
                self.add_error("config", f"{path}: {sentence}" if path else sentence)
            return
        widget: Any = self.fields["config"].widget
        for path, sentence in complaints:
            widget.errors.setdefault(path, []).append(sentence)
        self.add_error("config", "The kind does not accept all of this. What is wrong stands at its field.")

    def _opened(self) -> tuple[dict[str, str], bool]:
        """Returns the stored secrets, and whether they can no longer be read."""
        self._kind_before, self._config_before = self.instance.kind, self.instance.config
        try:
            return unseal(self.instance.secrets), False
        except Unreadable:
            return {}, True

    def _draw(self, first: str) -> None:
        """Tells the widget of the config which kind's fields it shows, and which it showed before."""
        widget: Any = self.fields["config"].widget
        chosen = self.data.get(self.add_prefix("kind")) if self.is_bound else None
        widget.kind = chosen or self.initial.get("kind") or self.instance.kind or first
        shown = self.data.get(f"{self.add_prefix('config')}.kind") if self.is_bound else None
        widget.members = _members(widget.kind)
        widget.drawn = _members(shown) if shown else ()
        widget.errors = {}
        widget.trial = self.trial
        widget.secrets = self._states(widget.kind)
        if widget.members:
            self.fields["config"].help_text = ""
        else:
            self.fields["config"].label = "Config"

    def _states(self, name: str) -> dict[str, str]:
        if name != self._kind_before or trouble_with(name):
            return {}
        if self._lost:
            return dict.fromkeys(secret_names(kind(name)), "lost")
        return dict.fromkeys(self._stored, "set")


class SeriesForm(FreshForm):
    watched = ("label", "unit", "decimals", "text", "hidden")

    class Meta:
        model = Series
        fields = ("label", "unit", "decimals", "text", "hidden")


def _members(name: str) -> Any:
    return () if trouble_with(name) else members(kind(name))


def _tops(paths: Any) -> set[str]:
    return {path.partition(".")[0] for path in paths}
