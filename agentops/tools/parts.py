"""A stored result as text that offsets count in, read part by part, or by the words that stand in it."""

from __future__ import annotations

from typing import Any

from agentops.core.results import whole_text

from .hygiene import dump

SLICE = 6 * 1024
"""Bytes of a part, as the model reads it: never large itself."""
MOST_FOUND = 20
AROUND = 160
"""Characters of context around something found."""

__all__ = ["find_in", "part_of", "whole_text"]


def part_of(text: str, offset: int) -> str:
    """From `offset` on, as much as SLICE bytes of JSON hold."""
    low, high = 0, min(SLICE, len(text) - offset)
    while low < high:
        middle = (low + high + 1) // 2
        if _size(text[offset : offset + middle]) <= SLICE:
            low = middle
        else:
            high = middle - 1
    return text[offset : offset + low]


def find_in(text: str, words: str) -> tuple[list[dict[str, Any]], int]:
    """Where the words stand, in any case: the first places with what is around them, and how many there are in all."""
    folded, wanted = text.casefold(), words.casefold()
    if len(folded) != len(text):
        folded, wanted = text, words  # offsets must hold
    places, at = [], folded.find(wanted)
    while at >= 0:
        places.append(at)
        at = folded.find(wanted, at + max(len(wanted), 1))
    shown: list[dict[str, Any]] = []
    for place in places[:MOST_FOUND]:
        around = text[max(place - AROUND, 0) : place + len(wanted) + AROUND]
        if _size([*shown, around]) > SLICE - 40 * len(shown) - 40:
            break
        shown.append({"offset": place, "text": around})
    return shown, len(places)


def _size(value: Any) -> int:
    return len(dump(value).encode("utf-8", "replace"))
