"""Text that people and programs send: what a row can hold, and no more than it should."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput


def check_text(value: Any, field: str, longest: int) -> str:
    """The text itself. Raises InvalidInput(field)."""
    if not isinstance(value, str):
        raise InvalidInput(_("This must be text."), field)
    if len(value) > longest:
        raise InvalidInput(
            _("This has %(count)s characters; at most %(most)s are allowed.")
            % {"count": f"{len(value):,}", "most": f"{longest:,}"},
            field,
        )
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput(_("This contains a character that cannot be stored (NUL or half a surrogate pair)."), field)
    return value
