"""A tool's result as one text, in which offsets count."""

from __future__ import annotations

import json
from typing import Any


def whole_text(data: Any) -> str:
    """A result as text that offsets count in: rows a line each, other data as indented JSON, text as it is."""
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in data)
    return json.dumps(data, ensure_ascii=False, indent=1)
