"""Any other agent: calls the tools that the goal names, once each, and says what came back."""

from __future__ import annotations

import json
import re
from typing import Any

from agentops.simulator.requests import Request
from agentops.simulator.turns import ToolCall, Turn

from . import results
from .results import Deed, one_line

SAMPLES: dict[str, Any] = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


def turn(request: Request) -> Turn:
    made = {deed.call.name for deed in results.deeds(request)}
    calls = [call for call in _named(request) if call.name not in made]
    if not calls:
        return Turn(text=closing(request))
    return Turn(text=f"The goal names {calls[0].name}. I call it.", tools=(calls[0],))


def closing(request: Request) -> str:
    deeds = results.deeds(request)
    opening = "I am the simulator that stands in for a model because no API key is set. "
    if not deeds:
        first = min(request.tool_names, default="a_tool")
        return (
            f"{opening}I know no script for this agent, so I have done nothing. Name one of its tools in the goal and "
            f'I call it, such as: use {first} {{"name": "value"}}. '
            f"Its tools: {', '.join(sorted(request.tool_names)) or 'none'}."
            f"\n\nThe goal was:\n\n> {one_line(request.goal(), 200) or '(none)'}"
        )
    return opening + "I called the tools that the goal names.\n\n" + "\n".join(map(_came_back, deeds))


def _came_back(deed: Deed) -> str:
    result = deed.result
    if not result.ok:
        return f"- `{deed.call.name}` did not work: {result.problem or 'no reason given'}"
    data = result.data if isinstance(result.data, str) else json.dumps(result.data, ensure_ascii=False)
    return f"- `{deed.call.name}`: {one_line(data if result.data is not None else result.summary or 'done', 400)}"


def _named(request: Request) -> list[ToolCall]:
    """In the order of the goal; its arguments follow a tool's name as JSON, or are made up to fit."""
    goal, found = request.goal(), []
    for tool in request.tools:
        if match := re.search(rf"\b{re.escape(tool['name'])}\b", goal):
            found.append((match.start(), ToolCall(tool["name"], _arguments(goal[match.end() :], tool["input_schema"]))))
    return [call for _at, call in sorted(found, key=lambda pair: pair[0])]


def _arguments(after: str, schema: dict[str, Any]) -> dict[str, Any]:
    at = after.find("{")
    if 0 <= at <= 20:
        try:
            given, _end = json.JSONDecoder().raw_decode(after[at:])
        except ValueError:
            given = None
        if isinstance(given, dict):
            return given
    properties = schema.get("properties") or {}
    return {name: _sample(properties.get(name) or {}) for name in schema.get("required") or ()}


def _sample(schema: dict[str, Any]) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    return SAMPLES.get(str(schema.get("type")), "example")
