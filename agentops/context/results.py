"""Large results: the model gets their shape, head and tail; the whole stays in the record and is read by reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agentops.core.messages import size
from agentops.core.results import whole_text
from agentops.core.tools import ToolResult

LARGE = 8 * 1024
"""Bytes, as the model would read it, from which a result is given as a preview."""
HEAD, TAIL = 2_400, 900
"""Bytes of the preview."""


def preview(result: ToolResult) -> ToolResult:
    """What a large result looks like, and how to read it; the result itself where it is small or has no reference."""
    if not result.ref or size(result.data) <= LARGE:
        return result
    how = (
        f'A preview. read_result with {{"ref": "{result.ref}"}} gives the whole, part by part from an "offset"; '
        '"find" shows where words stand in it.'
    )
    return replace(
        result, data=_preview(result.data), truncated=True, hint=f"{result.hint} {how}" if result.hint else how
    )


def _preview(data: Any) -> dict[str, Any]:
    text = whole_text(data)
    if isinstance(data, str):
        shape = f"text of {len(data):,} characters in {data.count(chr(10)) + 1:,} lines"
    elif isinstance(data, list):
        shape = f"{len(data):,} items{_fields(data)}"
    elif isinstance(data, dict):
        shape = f"an object with {len(data):,} keys{_keys(data)}"
    else:
        shape = f"one value of {len(text):,} characters"
    return {
        "shape": shape,
        "characters": len(text),
        "begins": _within(text, HEAD),
        "ends": _within(text[::-1], TAIL)[::-1],
    }


def _fields(rows: list[Any]) -> str:
    names = list(rows[0]) if rows and isinstance(rows[0], dict) else []
    return f" with {', '.join(str(name)[:40] for name in names[:20])}" if names else ""


def _keys(data: dict[str, Any]) -> str:
    return ": " + ", ".join(f"{str(name)[:40]} ({_kind(value)})" for name, value in list(data.items())[:20])


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value):,} items"
    if isinstance(value, dict):
        return f"{len(value):,} keys"
    return f"{len(value):,} characters" if isinstance(value, str) else type(value).__name__


def _within(text: str, most: int) -> str:
    short = text[:most]
    while size(short) > most:
        short = short[: len(short) * 3 // 4]
    return short
