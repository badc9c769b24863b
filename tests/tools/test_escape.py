"""Hidden characters show, ordinary text of every script stays as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.tools.escape import strip_hidden, visible


@pytest.mark.parametrize(
    "text",
    ["Zoë paid 12 €", "שלום עולם", "مرحبا", "हिन्दी", "日本語　全角", "👍🏽 ok", "👨‍👩‍👧", "❤️", "1️⃣", "a\xa0b"],
)
def test_ordinary_text_and_emoji_stay(text: str) -> None:
    assert visible(text) == text
    assert strip_hidden(text) == (text, 0)


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\u202e", "⟨U+202E⟩"),
        ("\u2066", "⟨U+2066⟩"),
        ("\u200b", "⟨U+200B⟩"),
        ("\u200d", "⟨U+200D⟩"),
        ("\ufe0f", "⟨U+FE0F⟩"),
        ("\ufeff", "⟨U+FEFF⟩"),
        ("\xad", "⟨U+00AD⟩"),
        ("\u3164", "⟨U+3164⟩"),
        ("\u2028", "⟨U+2028⟩"),
        ("\n", "⟨U+000A⟩"),
        ("\x1b", "⟨U+001B⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("\U000e0101", "⟨U+E0101⟩"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_hidden_characters_show(hidden: str, shown: str) -> None:
    assert visible(f"a{hidden}b") == f"a{shown}b"


def test_multiline_keeps_lines_and_tabs_only() -> None:
    assert visible("a\n\tb\r\u202e", multiline=True) == "a\n\tb⟨U+000D⟩⟨U+202E⟩"


def test_stripping_counts_what_it_takes() -> None:
    assert strip_hidden("a\u200b\u200bb\r\nc") == ("ab\nc", 2)


@given(st.text(st.characters()))
def test_what_is_visible_is_one_harmless_line(text: str) -> None:
    shown = visible(text)
    shown.encode()
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert not any(unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI") for c in shown)
    assert visible(shown) == shown
