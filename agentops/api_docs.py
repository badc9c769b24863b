"""The pages of the REST API at /api/docs: rendered here from the OpenAPI description, without any script."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from agentops.api import api

SAMPLES = {"string": "text", "integer": 1, "number": 1, "boolean": True}
FORMATS = {
    "uuid": "3f6c1f4e-0f8d-4a55-9a3e-6a1a4f0c2b7d",
    "date-time": "2026-11-21T09:30:00Z",
    "decimal": "0.01250000",
}


def page(request: HttpRequest) -> HttpResponse:
    schema = api.get_openapi_schema()
    schemas = schema["components"]["schemas"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            group = operation.get("tags", ["other"])[0].capitalize()
            groups.setdefault(group, []).append(_operation(path, method.upper(), operation, schemas))
    paragraphs = [" ".join(part.replace("`", "").split()) for part in schema["info"]["description"].split("\n\n")]
    context = {"title": schema["info"]["title"], "paragraphs": paragraphs, "groups": groups}
    return render(request, "api/docs.html", context)


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    body = _json_schema(operation.get("requestBody", {}))
    good = {status: answer for status, answer in operation["responses"].items() if int(status) < 300}
    return {
        "id": operation["operationId"],
        "method": method,
        "path": path,
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "scope": operation["x-scope"],
        "parameters": [
            {**parameter, "type": _type(parameter["schema"], schemas)} for parameter in operation["parameters"]
        ],
        "fields": _fields(body, schemas),
        "request": _pretty(body, schemas),
        "statuses": " or ".join(str(status) for status in good),
        "response": next((_pretty(_json_schema(answer), schemas) for answer in good.values()), ""),
        "problems": [
            (status, answer["description"]) for status, answer in operation["responses"].items() if int(status) >= 400
        ],
    }


def _json_schema(content: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = content.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _fields(schema: dict[str, Any], schemas: dict[str, Any], prefix: str = "") -> list[dict[str, Any]]:
    whole = _resolved(schema, schemas)
    fields = []
    for name, part in whole.get("properties", {}).items():
        resolved = _resolved(part, schemas)
        fields.append(
            {
                "name": prefix + name,
                "type": _type(part, schemas),
                "required": name in whole.get("required", []),
                "description": part.get("description") or resolved.get("description", ""),
            }
        )
        if resolved.get("properties"):
            fields += _fields(resolved, schemas, f"{prefix}{name}.")
    return fields


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, behind references and beside “or null”."""
    if "$ref" in schema:
        return _resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for choice in [*schema.get("allOf", []), *schema.get("anyOf", [])]:
        if choice.get("type") != "null":
            return {
                **_resolved(choice, schemas),
                **{k: v for k, v in schema.items() if k not in ("allOf", "anyOf")},
            }
    return schema


def _type(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    whole = _resolved(schema, schemas)
    if "enum" in whole:
        return " | ".join(str(value) for value in whole["enum"])
    if whole.get("type") == "array":
        return f"list of {_type(whole.get('items', {}), schemas)}"
    return str(whole.get("format") or whole.get("type") or "any JSON")


def _sample(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    whole = _resolved(schema, schemas)
    for known in (whole.get("examples"), whole.get("enum")):
        if known:
            return known[0]
    if "default" in whole:
        return whole["default"]
    if whole.get("properties"):
        return {name: _sample(part, schemas) for name, part in whole["properties"].items()}
    kind = whole.get("type", "object")
    if kind == "array":
        return [_sample(whole["items"], schemas)] if whole.get("items") else []
    return FORMATS.get(whole.get("format", ""), SAMPLES.get(kind, {}))


def _pretty(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    return json.dumps(_sample(schema, schemas), indent=2, ensure_ascii=False) if schema else ""
