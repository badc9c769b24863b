"""Validates what a model sent against a tool's schema, and tells the model what to correct."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agentops.core.tools import InvalidArguments

from .escape import shorten, visible
from .hygiene import check_arguments, dump, json_safe
from .schema import Parameters, type_name

_MAX_PROBLEMS = 10


def validate(tool: str, parameters: Parameters, arguments: Any) -> dict[str, Any]:
    """The arguments as JSON values, defaults filled in. Raises InvalidArguments."""
    check_arguments(arguments)
    checked: dict[str, Any] = json_safe(parse(tool, parameters, arguments).model_dump(mode="json", by_alias=True))
    return checked


def parse(tool: str, parameters: Parameters, arguments: dict[str, Any]) -> BaseModel:
    """The arguments as the types that the function declares. Raises InvalidArguments."""
    try:
        # Strict, and from JSON: "5" is no integer, yet "129.00" is a decimal, as JSON has no better.
        return parameters.model.model_validate_json(json.dumps(arguments), strict=True, extra="forbid")
    except ValidationError as error:
        raise InvalidArguments(_explain(tool, parameters, error)) from None


def unknown_tool_message(name: str, known: Iterable[str]) -> str:
    """For the model that called a tool which it does not have."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"There is no tool {_quoted(name)}.{guess} Your tools: {', '.join(names) or 'none'}."


def _explain(tool: str, parameters: Parameters, error: ValidationError) -> str:
    details = error.errors(include_url=False, include_context=False)
    lines = [f"- {_problem(parameters, detail)}" for detail in details[:_MAX_PROBLEMS]]
    if len(details) > _MAX_PROBLEMS:
        lines.append(f"- and {len(details) - _MAX_PROBLEMS} more")
    return "\n".join([f"The arguments do not fit {tool}; nothing was done.", *lines, _usage(tool, parameters)])


def _problem(parameters: Parameters, detail: ErrorDetails) -> str:
    where = ".".join(visible(shorten(str(part), 60)) for part in detail["loc"]) or "arguments"
    if detail["type"] == "missing":
        return f"{where}: required, but missing"
    given = visible(shorten(dump(detail["input"]), 80))
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where, parameters.names, n=1) if len(detail["loc"]) == 1 else []
        return f"{where}: no such field" + (f"; did you mean {near[0]}?" if near else "")
    wanted = _described(parameters.schema, detail["loc"]) if detail["type"] == "string_pattern_mismatch" else ""
    said = f"not what is wanted: {wanted.rstrip('.')}" if wanted else detail["msg"]
    return f"{where}: {visible(shorten(said, 300))}; given {given}"


def _described(schema: Any, place: tuple[int | str, ...]) -> str:
    """What the tool says of this argument: words, where a pattern would be the only other answer."""
    for part in place:
        below = schema.get("items") if isinstance(part, int) else schema.get("properties", {}).get(part)
        if not isinstance(below, dict):
            return ""
        schema = below
    return str(schema.get("description", ""))


def _usage(tool: str, parameters: Parameters) -> str:
    required = parameters.schema.get("required", [])
    fields = [
        f"{name} ({type_name(schema)}, {'required' if name in required else 'optional'})"
        for name, schema in parameters.schema["properties"].items()
    ]
    return f"{tool} takes: {', '.join(fields)}." if fields else f"{tool} takes no arguments."


def _quoted(name: str) -> str:
    return f"“{visible(shorten(name, 60))}”"
