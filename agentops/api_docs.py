"""The pages of the REST API at /api/docs: rendered here from the OpenAPI description, without any script."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agentops.api import api
from agentops.rest.examples import Schema, example, resolved, type_name

LONGEST_LINE = 88


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    schema = api.get_openapi_schema()
    schemas = schema["components"]["schemas"]
    site = f"{request.scheme}://{request.get_host()}"
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            shown = _operation(path, method.upper(), operation, schemas, site)
            groups.setdefault(operation["tags"][0], []).append(shown)
    paragraphs = [" ".join(part.replace("`", "").split()) for part in schema["info"]["description"].split("\n\n")]
    context = {"title": schema["info"]["title"], "paragraphs": paragraphs, "groups": groups, "site": site}
    return render(request, "api/docs.html", context)


def _operation(
    path: str, method: str, operation: dict[str, Any], schemas: dict[str, Schema], site: str
) -> dict[str, Any]:
    body = _content(operation.get("requestBody", {}))
    good = {status: answer for status, answer in operation["responses"].items() if int(status) < 400}
    return {
        "id": operation["operationId"],
        "method": method,
        "path": path,
        "summary": operation["summary"],
        "description": " ".join(operation.get("description", "").replace("`", "").split()),
        "scope": operation["x-scope"],
        "parameters": [
            {**parameter, "type": type_name(parameter["schema"], schemas)} for parameter in operation["parameters"]
        ],
        "fields": _fields(body.get("schema", {}), schemas),
        "curl": _curl(site, path, method, operation, body, schemas),
        "statuses": " or ".join(str(status) for status in good),
        "response": next((_pretty(content) for answer in good.values() if (content := _content(answer))), ""),
        "problems": [
            (status, answer["description"]) for status, answer in operation["responses"].items() if int(status) >= 400
        ],
    }


def _content(part: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = part.get("content", {}).get("application/json", {})
    return content


def _fields(schema: Schema, schemas: dict[str, Schema], prefix: str = "") -> list[dict[str, Any]]:
    whole = resolved(schema, schemas)
    fields = []
    for name, part in whole.get("properties", {}).items():
        inner = resolved(part, schemas)
        fields.append(
            {
                "name": prefix + name,
                "type": type_name(part, schemas),
                "required": name in whole.get("required", []),
                "description": part.get("description") or inner.get("description", ""),
            }
        )
        rows = resolved(inner.get("items", {}), schemas)
        fields += _fields(inner, schemas, f"{prefix}{name}.") + _fields(rows, schemas, f"{prefix}{name}[].")
    return fields


def _curl(
    site: str, path: str, method: str, operation: dict[str, Any], body: dict[str, Any], schemas: dict[str, Schema]
) -> str:
    """A command that a person can paste, one option a line."""
    values = {each["name"]: example(each["schema"], schemas) for each in operation["parameters"]}
    address = site + re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path)
    parts = ["curl" if method == "GET" else f"curl -X {method}", '-H "Authorization: Bearer $TOKEN"']
    if "Idempotency-Key" in values:
        parts.append('-H "Idempotency-Key: $(uuidgen)"')
    if body:
        compact = json.dumps(body["example"], ensure_ascii=False)
        sent = compact if len(compact) < LONGEST_LINE else _pretty(body)
        parts += ['-H "Content-Type: application/json"', f"-d {shlex.quote(sent)}"]
    return " \\\n  ".join([*parts, address])


def _pretty(content: dict[str, Any]) -> str:
    return json.dumps(content["example"], indent=2, ensure_ascii=False)
