"""Turns the OpenAPI description into a page that needs no script, and nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    place: str
    form: str
    words: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer` is an example of the answer where there is one, else the names and types of its fields, as JSON."""

    anchor: str
    method: str
    path: str
    title: str
    words: str
    parameters: tuple[Parameter, ...]
    answer: str


class PlainDocs(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        described = api.get_openapi_schema(path_params=kwargs)
        given = {"api": api, "operations": operations(described), "openapi": self.get_openapi_url(api, kwargs)}
        return render(request, "api/docs.html", given)


def operations(described: Mapping[str, Any]) -> list[Operation]:
    """Returns every operation of an OpenAPI description, in its order."""
    schemas = described.get("components", {}).get("schemas", {})
    return [
        Operation(
            one["operationId"],
            method.upper(),
            path,
            one.get("summary", ""),
            one.get("description", ""),
            tuple(_parameter(parameter) for parameter in one.get("parameters", ())),
            _answer(one["responses"], schemas),
        )
        for path, methods in described["paths"].items()
        for method, one in methods.items()
    ]


def _parameter(parameter: Mapping[str, Any]) -> Parameter:
    schema = parameter["schema"]
    form = _type(schema, {})
    if "minimum" in schema and "maximum" in schema:
        form += f", {schema['minimum']:,} to {schema['maximum']:,}"
    if "default" in schema:
        form += f", else {schema['default']}"
    elif not parameter.get("required"):
        form += ", may be left out"
    return Parameter(parameter["name"], parameter["in"], form, parameter.get("description", ""))


def _answer(responses: Mapping[Any, Any], schemas: Mapping[str, Any]) -> str:
    content = (responses.get(200) or responses.get("200") or {}).get("content", {}).get("application/json", {})
    if "example" in content:
        return json.dumps(content["example"])
    shape = _shape(content.get("schema", {}), schemas)
    return json.dumps(shape, indent=2, ensure_ascii=False) if shape != "any" else ""


def _shape(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Returns what an answer looks like: objects as objects, lists with one item, everything else by its type."""
    schema = _resolved(schema, schemas)
    if "properties" in schema:
        return {name: _shape(field, schemas) for name, field in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_shape(schema.get("items", {}), schemas)]
    return _type(schema, schemas)


def _type(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(_resolved(each, schemas), schemas) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(str(each) for each in schema["enum"])
    return str(schema.get("format") or schema.get("type") or "any")


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = schemas[name] if name else schema
    return found
