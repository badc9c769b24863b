"""What a model puts into fenced blocks, with words of its own around them."""

from __future__ import annotations

import re

# One way to match each character: with more, a model's answer of blank lines would hold the worker for hours.
_BLOCK = re.compile(r"```(?:json)?[ \t\r]*\n(.*?)```", re.DOTALL)


def blocks(words: str) -> list[str]:
    """The insides of the blocks that say they are JSON, or say nothing of what they are."""
    return _BLOCK.findall(words)
