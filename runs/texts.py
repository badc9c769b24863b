"""Text that people and programs send: what a row can hold, and no more than it should."""

from __future__ import annotations

from typing import Any

from agentops.core.errors import InvalidInput


def check_text(value: Any, field: str, longest: int) -> str:
    """The text itself. Raises InvalidInput(field)."""
    if not isinstance(value, str):
        raise InvalidInput("This must be text.", field)
    if len(value) > longest:
        raise InvalidInput(f"This has {len(value):,} characters; at most {longest:,} are allowed.", field)
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput("This contains a character that cannot be stored (NUL or half a surrogate pair).", field)
    return value
