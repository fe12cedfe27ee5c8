"""Reads a form of the admin as a browser does, to send it back with something changed."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Holds what a browser would send: values of inputs, areas and selects, but not what lies in templates."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.values: dict[str, str] = {}
        self.inputs: dict[str, dict[str, str]] = {}
        self.options: dict[str, list[str]] = {}
        self._area = self._select = ""
        self._templates = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self._templates += tag == "template"
        if self._templates:
            return
        name = given.get("name", "")
        if tag in ("input", "textarea", "select") and name:
            self.inputs[name] = {"tag": tag, **given}
        if tag == "textarea":
            self._area, self.values[name] = name, ""
        elif tag == "select":
            self._select, self.options[name] = name, []
        elif tag == "option" and self._select:
            self.options[self._select].append(given["value"])
            if "selected" in given or self._select not in self.values:
                self.values[self._select] = given["value"]
        elif tag == "input" and name and given.get("type") not in ("submit", "button"):
            if given.get("type") == "checkbox" and "checked" not in given:
                return
            self.values[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")

    def handle_endtag(self, tag: str) -> None:
        self._templates -= tag == "template"
        if tag == "textarea":
            self.values[self._area] = self.values[self._area].removeprefix("\n")
            self._area = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data

    def config(self) -> dict[str, str]:
        return {name: value for name, value in self.values.items() if name.startswith("config.")}
