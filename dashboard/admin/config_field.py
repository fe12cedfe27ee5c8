"""Draws the config of a source as the form of its kind, and takes it in again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.forms.widgets import Script
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from dashboard.admin.config_reader import MOST_ROWS, Typed, Unread, read
from dashboard.admin.config_schema import Member
from dashboard.admin.json_object import JsonObjectField, StrictDecoder


class ConfigWidget(forms.Textarea):
    """Shows the fields of `members`; without any, it is a text area for JSON.

    The form tells it about what is chosen: `kind` by name, `secrets` ("set", "lost", or nothing) by field, `errors` by
    path, and what came of a trial.
    """

    class Media:
        css = {"all": ("css/source_form.css",)}
        js = (Script("js/pages/source_form.js", type="module"),)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kind = ""
        self.members: Sequence[Member] = ()
        self.drawn: Sequence[Member] = ()
        self.secrets: Mapping[str, str] = {}
        self.errors: dict[str, list[str]] = {}
        self.trial: Any = None
        # What somebody else has saved meanwhile in fields that were left alone here.
        self.adopted: Mapping[str, Any] = {}

    def use_required_attribute(self, initial: Any) -> bool:
        return False

    def id_for_label(self, id_: str) -> str:
        return ""  # a label would belong to one of many

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Returns what was typed: the text of a JSON object, or the fields of the kind that was drawn."""
        if f"{name}.kind" not in data:
            return super().value_from_datadict(data, files, name)
        typed = read(self.drawn, data, name)
        typed.kept = data.get(f"{name}.kept", "")
        typed.given.update(self.adopted)
        return typed if self.kind == data[f"{name}.kind"] else self._switched(typed)

    def _switched(self, typed: Typed) -> Typed:
        """Returns what was typed for another kind as far as this one has fields of the same names."""
        said = carried(typed.kept, self.drawn, typed)
        given = {member.name: said[member.name] for member in self.members if member.name in said}
        return Typed(given, kept=json.dumps(said), switched=True)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}.kind" not in data

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        given = value.given if isinstance(value, Typed) else value
        if not self.members or not isinstance(given, Mapping):
            return super().render(name, JsonObjectField().prepare_value(given), attrs, renderer)
        drawing = _Drawing(name, (attrs or {}).get("id", f"id_{name}"), self.secrets, self.errors)
        return render_to_string(
            "admin/dashboard/config/form.html",
            {
                "name": name,
                "kind": self.kind,
                "groups": _grouped(drawing.members(self.members, given)),
                "errors": self._elsewhere(),
                "kept": value.kept if isinstance(value, Typed) else "",
                "trial": self.trial,
            },
        )

    def _elsewhere(self) -> list[str]:
        """Returns what is wrong with the config as a whole, or with what is no field of it."""
        names = {member.name for member in self.members}
        return [
            f"{path}: {sentence}" if path else sentence
            for path, sentences in self.errors.items()
            if path.partition(".")[0] not in names
            for sentence in sentences
        ]


class ConfigField(JsonObjectField):
    """A form field for the config; its value is an object, or what was typed into the fields of a kind."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.widget = ConfigWidget(attrs=self.widget.attrs)

    def clean(self, value: Any) -> Any:
        return value if isinstance(value, Typed) else super().clean(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data if isinstance(data, Typed) else super().bound_data(data, initial)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Typed | Mapping | None) and self.widget.members:
            return value or {}
        return super().prepare_value(value.given if isinstance(value, Typed) else value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        if isinstance(data, Typed):
            known = initial or {}
            return any(name not in known or known[name] != value for name, value in data.given.items())
        return super().has_changed(initial, data)


class _Drawing:
    """Turns members and their values into what the template shows."""

    def __init__(
        self, name: str, identity: str, secrets: Mapping[str, str], errors: Mapping[str, Sequence[str]]
    ) -> None:
        self._name, self._id = name, identity
        self._secrets, self._errors = secrets, errors

    def members(self, members: Sequence[Member], values: Mapping[str, Any], path: str = "") -> list[dict[str, Any]]:
        return [self._member(member, values, path) for member in members]

    def _member(self, member: Member, values: Mapping[str, Any], above: str) -> dict[str, Any]:
        path = f"{above}.{member.name}" if above else member.name
        value = values.get(member.name, member.default)
        shape = member.shape if _fits(member, value) else "json"
        drawn: dict[str, Any] = {
            "path": path,
            "name": f"{self._name}.{path}",
            "id": f"{self._id}.{path}",
            "title": member.title,
            "help": member.help,
            "group": member.group,
            "shape": shape,
            "required": member.required and shape != "rows",
            "attributes": member.attributes or {},
            "errors": self._said(path, shape in ("rows", "group")),
        }
        return {**drawn, **self._inside(member, shape, value, path)}

    def _inside(self, member: Member, shape: str, value: Any, path: str) -> dict[str, Any]:
        match shape:
            case "secret":
                return {"state": self._secrets.get(path, ""), "clearable": not member.required}
            case "choice":
                picked = [value] if any(choice == value for _, choice, _ in member.choices) else []
                said = [(text, words, choice in picked) for text, choice, words in member.choices]
                return {"choices": [("", "(none)", not picked), *said] if member.nullable or not picked else said}
            case "lines":
                return {"value": "\n".join(map(str, value or []))}
            case "pairs":
                rows = [{"name": name, "value": said} for name, said in (value or {}).items()]
                return {"rows": [*rows, {"name": "", "value": ""}]}
            case "rows":
                cells = [self.members(member.parts, row, f"{path}.{place}") for place, row in enumerate(value or [])]
                spare = self.members(member.parts, {}, f"{path}.{len(cells)}")
                return {"rows": [*cells, spare], "blank": self.members(member.parts, {}, f"{path}.9999")}
            case "group":
                return {"parts": self.members(member.parts, value or {}, path)}
            case "json":
                text = value if isinstance(value, Unread) else json.dumps(value, ensure_ascii=False, indent=2)
                return {"value": "" if value is None else text}
        return {"value": "" if value is None else value}

    def _said(self, path: str, has_parts: bool) -> list[str]:
        """Returns what is wrong with a field; what is wrong inside it is told by its parts where it has any."""
        said = list(self._errors.get(path, []))
        if not has_parts:
            for where, sentences in self._errors.items():
                if where.startswith(f"{path}."):
                    said += [f"{where.removeprefix(f'{path}.')}: {sentence}" for sentence in sentences]
        return said


def _fits(member: Member, value: Any) -> bool:
    """Tells whether a value can be shown in the shape of its field; whatever cannot is shown as JSON."""
    if value is None or member.shape in ("secret", "json"):
        return True
    match member.shape:
        case "rows":
            return isinstance(value, list) and len(value) < MOST_ROWS and all(isinstance(row, dict) for row in value)
        case "pairs":
            return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
        case "group":
            return isinstance(value, dict)
        case "lines":
            return isinstance(value, list) and all(isinstance(each, str | int | float) for each in value)
    return not isinstance(value, list | dict)


def _grouped(drawn: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields the groups in the order in which their first fields come; what belongs to none comes first."""
    groups: dict[str, list[dict[str, Any]]] = {"": []}
    for member in drawn:
        groups.setdefault(member["group"], []).append(member)
    yield from ((title, inside) for title, inside in groups.items() if inside)


def carried(kept: str, members: Sequence[Member], typed: Typed) -> dict[str, Any]:
    """Returns what was typed so far into the fields of other kinds and of this one, by name and without secrets.

    What somebody left at its default says nothing, and the next kind may have another.
    """
    try:
        before = json.loads(kept or "{}", cls=StrictDecoder)
    except json.JSONDecodeError:
        before = {}
    said = {
        member.name: typed.given[member.name]
        for member in members
        if member.shape != "secret" and typed.given.get(member.name, member.default) != member.default
    }
    return {**(before if isinstance(before, dict) else {}), **said}
