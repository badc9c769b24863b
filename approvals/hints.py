"""Help for who writes a condition: what a tool's arguments are called, how to ask about each, what looks misspelt."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from django.utils.translation import gettext as _

from agentops.tools.registry import registry
from agentops.tools.schema import type_name

_ASKED = re.compile(r"\bargs\s*\.\s*([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing that a condition may ask about."""

    name: str
    what: str
    example: str


def of_run() -> list[Hint]:
    return [
        Hint("tainted", _("whether the run has read content from outside"), "tainted"),
        Hint("agent", _("the agent's name"), 'agent == "support-desk"'),
        Hint("run.cost_usd", _("what the run has cost so far, in USD"), "run.cost_usd > 1.0"),
        Hint("run.steps", _("steps of the run so far"), "run.steps > 10"),
        Hint("run.tool_calls", _("tool calls of the run so far"), "run.tool_calls > 20"),
    ]


def of_tool(pattern: str) -> list[Hint]:
    """The arguments of the tool that the pattern names; none when it names several or no known one."""
    matching = [name for name in registry.names() if fnmatchcase(name, pattern)]
    tool = registry.get(matching[0]) if len(matching) == 1 else None
    if tool is None:
        return []
    schema = tool.spec.input_schema
    needed = schema.get("required", [])
    return [_argument(name, about, name in needed) for name, about in schema.get("properties", {}).items()]


def doubt(condition: str, pattern: str) -> str:
    """What looks wrong though it compiles: an argument that the tool does not have. "" when nothing does."""
    known = [hint.name.removeprefix("args.") for hint in of_tool(pattern)]
    for name in _ASKED.findall(condition):
        if known and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            guess = _(" Did you mean %s?") % near[0] if near else ""
            return _("%(tool)s has no argument %(name)s; it has %(known)s.") % {
                "tool": pattern,
                "name": name,
                "known": ", ".join(known),
            } + (guess + _(" A condition that fails counts as matched, at tier high at least."))
    return ""


def _argument(name: str, about: dict[str, Any], needed: bool) -> Hint:
    what = about.get("description") or type_name(about)
    example = _example(f"args.{name}", about)
    return Hint(f"args.{name}", what, example if needed else f"has(args.{name}) && {example}")


def _example(path: str, about: dict[str, Any]) -> str:
    options = about.get("enum")
    if options:
        return f"{path} == {json.dumps(options[0])}"
    kinds = {part.get("type") for part in about.get("anyOf", [about])}
    if kinds & {"number", "integer"} and "string" in kinds:
        return f"double({path}) > 100.0"
    if "integer" in kinds:
        return f"{path} > 100"
    if "number" in kinds:
        return f"{path} > 100.0"
    if "boolean" in kinds:
        return f"{path} == true"
    if "array" in kinds:
        return f"size({path}) > 10"
    return f'{path}.contains("…")'
