"""Renders the markdown of text panels. Markup in it is shown as text, and links lead to web addresses only."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

# A panel's title is a heading of the second level; what stands in it begins below.
_BELOW = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        token.tag = _BELOW.get(token.tag, token.tag)


# CommonMark without raw HTML and without images, which would tell other sites who looks; tables would bring style
# attributes, which the page's policy refuses.
_parser = MarkdownIt("commonmark", {"html": False}).disable(["image", "html_block", "html_inline"])
_parser.core.ruler.push("lower_headings", _lower_headings)


def rendered(text: str) -> str:
    return str(_parser.render(text))
