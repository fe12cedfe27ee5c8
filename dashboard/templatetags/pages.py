"""Puts into a page what it brings along: its modules, and the nonce without which they would not run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from config import modules

register = template.Library()
# In a script element nothing is escaped; only these could end it.
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


@register.simple_tag(takes_context=True)
def importmap(context: dict[str, Any]) -> SafeString:
    """Writes the import map. It must come before every module and every preload."""
    text = json.dumps(modules.import_map(), separators=(",", ":")).translate(_ESCAPES)
    return format_html(
        '<script type="importmap" nonce="{}">{}</script>',
        context["request"].csp_nonce,
        mark_safe(text),
    )


# Kinds of panels whose script is fetched with the page; candles bring a library of their own and come after it.
PRELOADED = {"stat", "watchlist", "line", "bars", "gauge", "sources"}


@register.simple_tag(takes_context=True)
def module(context: dict[str, Any], entry: str, panels: Iterable[Any] = ()) -> SafeString:
    """Writes the script element of a page's entry module, and has everything that it imports fetched at once, and so
    what the kinds of these panels are going to ask for."""
    nonce = context["request"].csp_nonce
    kinds = sorted({panel.row.kind for panel in panels} & PRELOADED)
    wanted = [*modules.preloads(entry), *(url for kind in kinds for url in modules.preloads(f"js/panels/{kind}.js"))]
    urls = list(dict.fromkeys(wanted))[1:]
    preloads = format_html_join("", '<link rel="modulepreload" href="{}" nonce="{}">', ((url, nonce) for url in urls))
    script = format_html('<script type="module" src="{}" nonce="{}"></script>', static(entry), nonce)
    return preloads + script


THEMES = ("auto", "dark", "light")
PALETTES = ("default", "cvd", "asia")


@register.simple_tag(takes_context=True)
def choice(context: dict[str, Any], name: str) -> str:
    """Returns the theme or palette that this browser has chosen; an error page without a request has the first."""
    known = {"theme": THEMES, "palette": PALETTES}[name]
    request = context.get("request")
    chosen = request.COOKIES.get(name) if request is not None else None
    return chosen if chosen in known else known[0]


@register.inclusion_tag("dashboard/shape.html")
def shape(name: str, of: str = "") -> dict[str, str]:
    """Draws the shape of a state; `of` names the fact that it stands for, so that the script can change it."""
    return {"name": name, "of": of}
