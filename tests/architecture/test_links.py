"""What the documentation points to is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def dangling(root: Path) -> Iterator[str]:
    """Yields each relative link in a Markdown file that leads to nothing."""
    for path in sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "bench").glob("*.md")]):
        prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            file = target.partition("#")[0]
            if not re.match(r"[a-z]+:", target) and file and not (path.parent / file).exists():
                yield f"{path.relative_to(root)} points to {target}"


def test_no_link_leads_to_nothing() -> None:
    assert list(dangling(ROOT)) == []


def test_a_dangling_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("[a](b.md) [c](#d) [e](https://example.org) [f](README.md#g)")
    assert list(dangling(tmp_path)) == ["README.md points to b.md"]
