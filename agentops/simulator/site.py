"""The demo's own small web site, one page of it hostile: what the researcher reads."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PAGES = Path(__file__).parent / "pages"
PREFIX = "/pages/"


def page(path: str) -> bytes | None:
    """The page at `/pages/…`, as HTML."""
    return _pages().get(path.removeprefix(PREFIX) or "index") if path.startswith(PREFIX) else None


@cache
def _pages() -> dict[str, bytes]:
    return {file.stem: file.read_bytes() for file in _PAGES.glob("*.html")}
