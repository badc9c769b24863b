"""Markdown that agents write, as HTML that cannot harm: no raw HTML, no images, links marked as leading outside."""

from __future__ import annotations

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

LIMIT = 20_000
"""Characters that are rendered; more is cut, and the raw record has it all."""


class _Renderer(RendererHTML):
    def link_open(self, tokens: list[Token], at: int, options: object, env: object) -> str:
        tokens[at].attrSet("rel", "noopener noreferrer nofollow")
        tokens[at].attrSet("target", "_blank")
        return self.renderToken(tokens, at, options, env)  # type: ignore[arg-type]

    def th_open(self, tokens: list[Token], at: int, options: object, env: object) -> str:
        tokens[at].attrs.pop("style", None)  # alignment comes as inline style, which our policy refuses
        return self.renderToken(tokens, at, options, env)  # type: ignore[arg-type]

    td_open = th_open


_parser = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
_parser.enable("table").disable(["image", "html_block", "html_inline"])


def render(text: str) -> SafeString:
    cut = text if len(text) <= LIMIT else text[:LIMIT] + "\n\n…"
    # Safe: the parser escapes all text, and raw HTML is off.
    return mark_safe(_parser.render(cut))  # noqa: S308
