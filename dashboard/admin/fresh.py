"""Refuses a form that somebody else's save has made stale, and says what has changed."""

from __future__ import annotations

import json
from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.text import Truncator

from dashboard.admin.json_object import StrictDecoder

# The field that carries what the form was loaded with.
LOADED = "loaded"
WORD_CHARACTERS = 80


class FreshForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that knows what its row was when it was loaded, and is not saved over another save.

    `watched` names the fields of the row that count. Whoever is refused sees what is there now, and what he left alone
    himself is brought up to date in his form; saving again then says that he means it.
    """

    watched: ClassVar[tuple[str, ...]] = ()
    loaded = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Taken before anything that is typed is put into the row.
        self._now = {name: getattr(self.instance, name) for name in self.watched} if self.instance.pk else {}
        self.initial[LOADED] = json.dumps(self._now, ensure_ascii=False)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        loaded = self._loaded()
        changes = {name: now for name, now in self._now.items() if name in loaded and loaded[name] != now}
        if changes:
            self._refuse(loaded, changes)
        return cleaned

    @cached_property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if name != LOADED]

    def _loaded(self) -> dict[str, Any]:
        try:
            loaded = json.loads(self.data.get(self.add_prefix(LOADED)) or "{}", cls=StrictDecoder)
        except json.JSONDecodeError:
            return {}
        return loaded if isinstance(loaded, dict) else {}

    def adopt(self, name: str, loaded: Any, now: Any) -> None:
        """Puts into the form what is there now, if nobody has touched that field of it."""
        field, data = self.fields.get(name), cast("QueryDict", self.data)
        place = self.add_prefix(name)
        if field is None or field.has_changed(loaded, field.widget.value_from_datadict(self.data, self.files, place)):
            return
        if now is False:
            data.pop(place, None)
        else:
            data[place] = "" if now is None else str(now)

    def _refuse(self, loaded: dict[str, Any], changes: dict[str, Any]) -> None:
        told = [
            f"{self._word(name)} was {_said(loaded[name])} and is now {_said(now)}" for name, now in changes.items()
        ]
        self.data = data = cast("QueryDict", self.data).copy()
        data[self.add_prefix(LOADED)] = json.dumps(self._now, ensure_ascii=False)
        for name, now in changes.items():
            self.adopt(name, loaded[name], now)
        self.add_error(
            None,
            ValidationError(
                [
                    "Somebody else has saved this since you opened it, so nothing of yours is saved yet.",
                    *(f"{words}." for words in told),
                    "Save once more to put what you see here in its place, or open the page anew.",
                ]
            ),
        )

    def _word(self, name: str) -> str:
        label = self.instance._meta.get_field(name).verbose_name
        return f"{label[:1].upper()}{label[1:]}"


def _said(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"“{Truncator(text).chars(WORD_CHARACTERS)}”"
