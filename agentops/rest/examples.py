"""Examples made from a JSON schema: each field's own, else its default, else something of its type."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

BY_TYPE = {"string": "text", "integer": 1, "number": 1, "boolean": True, "null": None}
BY_FORMAT = {
    "uuid": "3f6c1f4e-0f8d-4a55-9a3e-6a1a4f0c2b7d",
    "date-time": "2026-11-21T09:30:00Z",
    "date": "2026-11-21",
    "decimal": "0.01250000",
}


def example(schema: Schema, schemas: dict[str, Schema]) -> Any:
    """`schemas` are the named ones that references lead to."""
    whole = resolved(schema, schemas)
    for known in (whole.get("examples"), whole.get("enum")):
        if known:
            return known[0]
    if "const" in whole or "default" in whole:
        return whole.get("const", whole.get("default"))
    if whole.get("properties"):
        return {name: example(part, schemas) for name, part in whole["properties"].items()}
    kind = whole.get("type", "object")
    if kind == "array":
        return [example(whole["items"], schemas)] if whole.get("items") else []
    return BY_FORMAT.get(whole.get("format", ""), BY_TYPE.get(kind, {}))


def resolved(schema: Schema, schemas: dict[str, Schema]) -> Schema:
    """The schema itself, behind references and beside “or null”."""
    if "$ref" in schema:
        found = resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
        return {**found, **{name: part for name, part in schema.items() if name != "$ref"}}
    for choice in [*schema.get("allOf", []), *schema.get("anyOf", [])]:
        if choice.get("type") != "null":
            own = {name: part for name, part in schema.items() if name not in ("allOf", "anyOf")}
            return {**resolved(choice, schemas), **own}
    return schema


def type_name(schema: Schema, schemas: dict[str, Schema]) -> str:
    whole = resolved(schema, schemas)
    if "enum" in whole:
        return " | ".join(str(value) for value in whole["enum"])
    if whole.get("type") == "array":
        return f"list of {type_name(whole.get('items', {}), schemas)}"
    return str(whole.get("format") or whole.get("type") or "any JSON")
