"""Reads the schema of a kind's config as fields that a person can fill in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dashboard.feeds.registry import AnyFeed

Shape = Literal["text", "url", "area", "number", "check", "choice", "secret", "lines", "pairs", "rows", "group", "json"]

# A text that may be longer than this gets an area of its own.
LINE_CHARACTERS = 1000
# Fields that belong together in every kind that has them, unless it groups them itself.
AUTHENTICATION = ("auth", "username", "user", "login", "password", "token", "bearer", "api_key")


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a config as a form shows it.

    `required` says that there is no default, `nullable` that nothing is a value of its own. `parts` are the fields of
    a group or of each row; `choices` are (value in the form, value in the config, words).
    """

    name: str
    shape: Shape
    title: str
    help: str = ""
    group: str = ""
    required: bool = False
    nullable: bool = False
    default: Any = None
    whole: bool = False
    attributes: Mapping[str, Any] = ()  # type: ignore[assignment]
    choices: Sequence[tuple[str, Any, str]] = ()
    parts: Sequence[Member] = ()


def members(kind: type[AnyFeed]) -> list[Member]:
    """Returns the fields of a kind's config, in the order of its schema."""
    schema = kind.Config.model_json_schema()
    return _Reader(schema.get("$defs", {})).fields(schema)


class _Reader:
    """Turns JSON schema, as pydantic writes it, into members. What it does not know becomes a field for JSON."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def fields(self, schema: Mapping[str, Any]) -> list[Member]:
        required = schema.get("required", ())
        return [self._member(name, drawn, name in required) for name, drawn in schema.get("properties", {}).items()]

    def _member(self, name: str, drawn: Mapping[str, Any], required: bool) -> Member:
        inner, nullable = self._inner(drawn)
        shape, more = self._shape(inner, nullable)
        words = {**inner, **drawn}
        # A title that pydantic made of the name is no better than one made here, and a class has none for a field.
        title = drawn.get("title") or name.replace("_", " ").capitalize()
        group = words.get("group") or ("Authentication" if name in AUTHENTICATION or shape == "secret" else "")
        if shape == "group":
            group = title
        return Member(
            name,
            shape,
            title,
            words.get("description", ""),
            group,
            required,
            nullable,
            drawn.get("default"),
            **more,
        )

    def _inner(self, drawn: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
        """Returns what a field holds when it holds something, and whether it may hold nothing."""
        if "anyOf" in drawn:
            forms = [form for form in drawn["anyOf"] if form.get("type") != "null"]
            nullable = len(forms) < len(drawn["anyOf"])
            return (self._resolved({**drawn, **forms[0]}) if len(forms) == 1 else {}), nullable
        return self._resolved(drawn), False

    def _resolved(self, drawn: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" in drawn:
            return {**self._definitions[drawn["$ref"].rpartition("/")[2]], **drawn}
        return drawn

    def _shape(self, inner: Mapping[str, Any], nullable: bool) -> tuple[Shape, dict[str, Any]]:
        if inner.get("writeOnly"):
            return "secret", {}
        if "enum" in inner or "const" in inner:
            return "choice", {"choices": _choices(inner.get("enum", [inner.get("const")]), inner.get("labels", {}))}
        read: Callable[..., tuple[Shape, dict[str, Any]]] | None = {
            "boolean": _boolean,
            "integer": _number,
            "number": _number,
            "string": _text,
            "array": self._array,
            "object": self._object,
        }.get(inner.get("type", ""))
        return read(inner, nullable) if read else ("json", {})

    def _array(self, inner: Mapping[str, Any], nullable: bool) -> tuple[Shape, dict[str, Any]]:
        item = self._resolved(inner.get("items", {}))
        if item.get("type") in ("string", "integer", "number") and "enum" not in item:
            return "lines", {"whole": item["type"] == "integer", "parts": (Member("", _text_or_number(item), ""),)}
        parts = self._flat(item)
        return ("rows", {"parts": parts}) if parts and not nullable else ("json", {})

    def _object(self, inner: Mapping[str, Any], nullable: bool) -> tuple[Shape, dict[str, Any]]:
        values = inner.get("additionalProperties")
        if "properties" not in inner and isinstance(values, dict) and values.get("type") == "string":
            return "pairs", {}
        parts = self._flat(inner)
        return ("group", {"parts": parts}) if parts and not nullable else ("json", {})

    def _flat(self, schema: Mapping[str, Any]) -> Sequence[Member]:
        """Returns the fields of an object if each of them is simple enough to stand in a row."""
        if schema.get("type") != "object":
            return ()
        parts = self.fields(schema)
        simple = ("text", "url", "area", "number", "check", "choice")
        return parts if all(part.shape in simple for part in parts) else ()


def _choices(values: Sequence[Any], labels: Mapping[str, str]) -> list[tuple[str, Any, str]]:
    return [(json.dumps(value), value, labels.get(str(value), str(value))) for value in values]


def _boolean(inner: Mapping[str, Any], nullable: bool) -> tuple[Shape, dict[str, Any]]:
    if nullable:
        return "choice", {"choices": [("true", True, "yes"), ("false", False, "no")]}
    return "check", {}


def _number(inner: Mapping[str, Any], nullable: bool) -> tuple[Shape, dict[str, Any]]:
    whole = inner["type"] == "integer"
    attributes = {
        "min": inner.get("minimum", inner.get("exclusiveMinimum")),
        "max": inner.get("maximum", inner.get("exclusiveMaximum")),
        "step": inner.get("multipleOf", 1 if whole else "any"),
    }
    return "number", {"whole": whole, "attributes": _said(attributes)}


def _text(inner: Mapping[str, Any], nullable: bool) -> tuple[Shape, dict[str, Any]]:
    attributes = _said({"maxlength": inner.get("maxLength"), "placeholder": _example(inner)})
    if inner.get("format") == "uri":
        return "url", {"attributes": attributes}
    long = inner.get("multiline", inner.get("maxLength", 0) > LINE_CHARACTERS)
    return ("area" if long else "text"), {"attributes": attributes}


def _text_or_number(item: Mapping[str, Any]) -> Shape:
    return "text" if item["type"] == "string" else "number"


def _example(inner: Mapping[str, Any]) -> str | None:
    examples = inner.get("examples") or []
    return f"such as {examples[0]}" if examples and isinstance(examples[0], str | int | float) else None


def _said(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
