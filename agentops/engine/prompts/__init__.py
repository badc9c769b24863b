"""Prompts, one file each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def rules() -> str:
    """The rules that every agent works by, appended to its own prompt."""
    return (files(__name__) / "rules.txt").read_text("utf-8").strip()
