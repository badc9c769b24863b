"""A JSON schema's parameters as rows that people can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

MOST = 8
"""Choices or limits that are named."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: str
    required: bool
    description: str
    default: Any
    has_default: bool


def parameters(schema: dict[str, Any]) -> list[Parameter]:
    """The object's own properties; what they refer to is named, not unfolded."""
    required = set(schema.get("required", []))
    properties = schema.get("properties", {})
    return [
        Parameter(
            name,
            kind(part, schema.get("$defs", {})),
            name in required,
            str(part.get("description", "")),
            part.get("default"),
            "default" in part,
        )
        for name, part in properties.items()
    ]


def kind(part: dict[str, Any], known: dict[str, Any]) -> str:
    """In words: “one of a, b”, “list of text”, “whole number, at least 1”."""
    if "$ref" in part:
        name = str(part["$ref"]).rpartition("/")[2]
        return kind(known.get(name, {}), {}) or name
    if "enum" in part:
        return _("one of %(choices)s") % {"choices": ", ".join(str(one) for one in part["enum"][:MOST])}
    if options := part.get("anyOf") or part.get("oneOf"):
        return _(" or ").join(dict.fromkeys(kind(one, known) for one in options))
    if part.get("type") == "array":
        return _("list of %(kind)s") % {"kind": kind(part.get("items", {}), known) or _("anything")}
    return ", ".join([_word(str(part.get("type", ""))), *_limits(part)]).strip(", ")


def _word(name: str) -> str:
    words = {
        "string": _("text"),
        "integer": _("whole number"),
        "number": _("number"),
        "boolean": _("yes or no"),
        "object": _("object"),
        "null": _("nothing"),
    }
    return words.get(name, name)


def _limits(part: dict[str, Any]) -> list[str]:
    limits = {
        "minimum": _("at least %(n)s"),
        "exclusiveMinimum": _("more than %(n)s"),
        "maximum": _("at most %(n)s"),
        "exclusiveMaximum": _("less than %(n)s"),
        "maxLength": _("at most %(n)s characters"),
        "format": "%(n)s",
    }
    return [words % {"n": part[name]} for name, words in limits.items() if name in part]
