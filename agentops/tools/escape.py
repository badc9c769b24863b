"""Shows what would otherwise hide: control, bidirectional and zero-width characters."""

from __future__ import annotations

import re
import unicodedata

# Printable by category, yet they draw nothing; and variation selectors, which can carry data.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_ODD = re.compile(r"[^ -~]")
"""All but the plain characters of ASCII: only these are looked at one by one."""
_ODD_IN_LINES = re.compile(r"[^ -~\n\t]")
_EMOJI_STYLE, _JOINER = "\ufe0f", "\u200d"


def visible(text: str, *, multiline: bool = False) -> str:
    """`text` with every hidden character written as ⟨U+202E⟩.

    Letters of every script and emoji (their joiners included) stay as they are. `multiline` keeps line ends
    and tabs; without it the answer is one line.
    """
    if not _suspicious(text):
        return text

    def shown(match: re.Match[str]) -> str:
        return match[0] if _shows(text, match.start(), multiline) else f"⟨U+{ord(match[0]):04X}⟩"

    return (_ODD_IN_LINES if multiline else _ODD).sub(shown, text)


def strip_hidden(text: str) -> tuple[str, int]:
    """`text` without its hidden characters (line ends and tabs stay), and how many there were."""
    text = text.replace("\r\n", "\n")
    if not _suspicious(text):
        return text, 0
    kept = "".join(char for at, char in enumerate(text) if _shows(text, at, True))
    return kept, len(text) - len(kept)


def shorten(text: str, limit: int) -> str:
    """At most about `limit` characters, and says how many are missing."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit:,} more characters)"


def _suspicious(text: str) -> bool:
    return not text.isprintable() or _BLANK.search(text) is not None


def _shows(text: str, at: int, multiline: bool) -> bool:
    char = text[at]
    if char.isprintable() and not _BLANK.match(char):
        return True
    if char in "\n\t":
        return multiline
    if char == _EMOJI_STYLE:
        return at > 0 and (_is_emoji(text[at - 1]) or text[at - 1] in "0123456789#*")
    if char == _JOINER:
        before = text[at - 1] if at > 0 else ""
        if before == _EMOJI_STYLE and at > 1:
            before = text[at - 2]
        return _is_emoji(before) and _is_emoji(text[at + 1 : at + 2])
    return unicodedata.category(char) == "Zs"


def _is_emoji(char: str) -> bool:
    """Symbols and skin tones: what emoji sequences are made of."""
    return char != "" and unicodedata.category(char) in ("So", "Sk", "Sm") and ord(char) > 0x7F
