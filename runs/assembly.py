"""The one place where the parts are put together: tools found, approvals connected."""

from __future__ import annotations


def connect() -> None:
    """Called once when Django is ready."""
