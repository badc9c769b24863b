"""Reads a tool's JSON schema for the form: what each argument is, in the few kinds that a form can hold."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LONG = 120
"""Characters that a text may have before it gets lines of its own."""
MANY = 40
"""Properties that one form shows; the rest is for the JSON."""


class Kind(StrEnum):
    TEXT = "text"
    LONG = "long"
    INTEGER = "integer"
    NUMBER = "number"
    EITHER = "either"
    """A number or a text, such as an exact amount."""
    BOOLEAN = "boolean"
    CHOICE = "choice"
    DATE = "date"
    LIST = "list"
    GROUP = "group"
    JSON = "json"
    """What a form cannot do."""


TYPES = {"string": Kind.TEXT, "integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.BOOLEAN}
HOLDS: dict[Kind, type | tuple[type, ...]] = {
    Kind.TEXT: str,
    Kind.LONG: str,
    Kind.DATE: str,
    Kind.INTEGER: int,
    Kind.NUMBER: (int, float),
    Kind.EITHER: (int, float, str),
    Kind.BOOLEAN: bool,
    Kind.LIST: list,
    Kind.GROUP: dict,
}


@dataclass(frozen=True)
class Property:
    name: str
    kind: Kind
    required: bool
    nullable: bool = False
    hint: str = ""
    default: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    """Of a choice: as JSON, and as words."""
    items: Kind = Kind.TEXT
    schema: dict[str, Any] = field(default_factory=dict)


def properties(schema: Any, values: dict[str, Any]) -> list[Property]:
    """Those of the schema, then whatever else is given. Without a usable schema the values speak for themselves."""
    schema = schema if isinstance(schema, dict) else {}
    named = schema.get("properties")
    named = dict(named) if isinstance(named, dict) else {}
    for name, value in values.items():
        named.setdefault(name, _guess(value))
    required = schema.get("required")
    needed = [name for name in required if name in named] if isinstance(required, list) else list(values)
    # The database keeps the order of lists but not that of objects: the required ones stand as the tool names them.
    names = dict.fromkeys([*needed, *named])
    return [
        _property(name, named[name] if isinstance(named[name], dict) else {}, values, name in needed)
        for name in list(names)[:MANY]
    ]


def _property(name: str, about: dict[str, Any], values: dict[str, Any], required: bool) -> Property:
    parts = _alternatives(about)
    real = [part for part in parts if part.get("type") != "null"]
    nullable = len(real) < len(parts)
    kinds = {_kind(part) for part in real}
    part = real[0] if real else {}
    kind = kinds.pop() if len(kinds) == 1 else Kind.JSON
    if len(real) == 2 and {part.get("type") for part in real} in ({"number", "string"}, {"integer", "string"}):
        kind = Kind.EITHER
    value = values.get(name)
    if value is None and name in values and not nullable:
        kind = Kind.JSON
    if kind is Kind.TEXT and _wants_lines(part, value):
        kind = Kind.LONG
    if not _holds(kind, part, value, name in values):
        kind = Kind.JSON
    return Property(
        name,
        kind,
        required,
        nullable,
        str(about.get("description") or part.get("description") or ""),
        json.dumps(about["default"], ensure_ascii=False) if about.get("default") not in (None, "", [], {}) else "",
        [(json.dumps(option, ensure_ascii=False), str(option)) for option in _options(part)],
        _kind(part["items"]) if kind is Kind.LIST else Kind.TEXT,
        part,
    )


def _alternatives(about: dict[str, Any]) -> list[dict[str, Any]]:
    if isinstance(about.get("type"), list):
        return [{**about, "type": name} for name in about["type"]]
    either = about.get("anyOf") or about.get("oneOf")
    return [part for part in either if isinstance(part, dict)] if isinstance(either, list) else [about]


def _kind(part: dict[str, Any]) -> Kind:
    options = _options(part)
    if options:
        return Kind.CHOICE if all(isinstance(one, str | int | float | bool) for one in options) else Kind.JSON
    if part.get("type") == "string" and part.get("format") == "date":
        return Kind.DATE
    if part.get("type") == "array":
        items = part.get("items")
        return Kind.LIST if isinstance(items, dict) and _kind(items) in TYPES.values() else Kind.JSON
    if part.get("type") == "object":
        return Kind.GROUP if part.get("properties") else Kind.JSON
    kind = part.get("type")
    return TYPES.get(kind, Kind.JSON) if isinstance(kind, str) else Kind.JSON


def _options(part: dict[str, Any]) -> list[Any]:
    if "const" in part:
        return [part["const"]]
    options = part.get("enum")
    return options if isinstance(options, list) else []


def _wants_lines(part: dict[str, Any], value: Any) -> bool:
    if isinstance(value, str) and (len(value) > LONG or "\n" in value or "\r" in value):
        return True
    most = part.get("maxLength")
    return isinstance(most, int) and most > 4 * LONG


def _holds(kind: Kind, part: dict[str, Any], value: Any, given: bool) -> bool:
    """Whether a control of this kind can show the value that is there."""
    if kind is Kind.GROUP:
        inner = part["properties"].values()
        return isinstance(value, dict) and not any(isinstance(one, dict) and one.get("properties") for one in inner)
    if not given or value is None or kind is Kind.JSON:
        return True
    if kind is Kind.CHOICE:
        return value in _options(part)
    if isinstance(value, bool) and kind is not Kind.BOOLEAN:
        return False
    if kind is Kind.LIST:
        scalars = (
            all(isinstance(item, str | int | float | bool) for item in value) if isinstance(value, list) else False
        )
        return scalars and not any(
            isinstance(item, str) and item != " ".join(item.split("\n")).strip() for item in value
        )
    return isinstance(value, HOLDS[kind])


def _guess(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int | float):
        return {"type": "number"}
    if isinstance(value, str):
        return {"type": "string"}
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return {"type": "array", "items": {"type": "string"}}
    return {}
