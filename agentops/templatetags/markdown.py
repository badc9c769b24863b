"""Markdown that agents write, as HTML that cannot harm: no raw HTML, no images, links marked, charts drawn by us."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from agentops import charts

LIMIT = 20_000
"""Characters that are rendered; more is cut, and the raw record has it all."""
MOST = {"[": 1_000, "_": 1_000, "*": 1_000, "`": 1_000, "|": 3_000}
"""Text with more of these marks is shown as it is: it would take the parser seconds, and a page has many texts."""
CHART = "chart"
"""The name of a fenced block whose JSON is drawn: `type` (bar, line), `title`, `unit`, `labels`, `values`."""
_TYPES = {"bar": charts.bar, "line": charts.line}


class _Renderer(RendererHTML):
    def link_open(self, tokens: list[Token], at: int, options: object, env: object) -> str:
        tokens[at].attrSet("rel", "noopener noreferrer nofollow")
        tokens[at].attrSet("target", "_blank")
        return self.renderToken(tokens, at, options, env)  # type: ignore[arg-type]

    def th_open(self, tokens: list[Token], at: int, options: object, env: object) -> str:
        # Alignment comes as inline style, which our policy refuses.
        if "right" in str(tokens[at].attrs.pop("style", "")):
            tokens[at].attrSet("class", "end")
        return self.renderToken(tokens, at, options, env)  # type: ignore[arg-type]

    td_open = th_open

    def table_open(self, tokens: list[Token], at: int, options: object, env: object) -> str:
        # Wide tables scroll by themselves, and by keyboard too.
        return format_html('<div class="prose-table" role="group" tabindex="0" aria-label="{}"><table>', _("Table"))

    def table_close(self, tokens: list[Token], at: int, options: object, env: object) -> str:
        return "</table></div>\n"

    def fence(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        drawn = chart(tokens[at].content) if tokens[at].info.strip().lower() == CHART else None
        return drawn or super().fence(tokens, at, options, env)


_parser = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
_parser.enable("table").disable(["image", "html_block", "html_inline"])


def render(text: str) -> SafeString:
    cut = text if len(text) <= LIMIT else text[:LIMIT] + "\n\n…"
    if any(cut.count(mark) > most for mark, most in MOST.items()):
        return format_html("<pre><code>{}</code></pre>", cut)
    # Safe: the parser escapes all text, raw HTML is off, and charts escape theirs.
    return mark_safe(_parser.render(cut))  # noqa: S308


def chart(text: str) -> SafeString | None:
    """The chart with its numbers as a table; None when the text describes none that can be drawn."""
    try:
        given = json.loads(text)
        draw = _TYPES[given["type"]]
        labels = [str(label) for label in given["labels"]]
        values = [_number(value) for value in given["values"]]
        title, unit = str(given.get("title") or _("Chart")), str(given.get("unit") or "")
        drawing = draw(title[:200], labels, values, unit=unit[:40])  # type: ignore[operator]
        return charts.figure(drawing, title[:200], labels, values, unit=unit[:40])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None


def _number(value: Any) -> float | None:
    """Numbers may come as text: databases give decimals so."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise ValueError("This is no number.")
    return float(value)
