"""A run that brings its own script in its goal: ```sim {"turns": […], "repeat": {"turn": {…}, "times": n}}```."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from .requests import BadRequest, Request
from .turns import FAULTS, Fault, ToolCall, Turn

SCRIPT = re.compile(r"```sim\s*(\{.*?\})\s*```", re.DOTALL)


def turn(request: Request) -> Turn:
    """The turn that follows from the messages so far; after the script's last, `Done.`"""
    match = SCRIPT.search(request.goal())
    if match is None:
        raise BadRequest("A model named sim-… wants a ```sim {…}``` block in the first message.")
    script = _load(match[1])
    turns, repeat = script.get("turns", []), script.get("repeat", {})
    number = request.turn_number
    if number < len(turns):
        chosen = turns[number]
    elif number < len(turns) + repeat.get("times", 0):
        chosen = repeat["turn"]
    else:
        return Turn(text="Done.", delay_ms=0)
    calls = request.calls()
    try:
        return read(_fill(chosen, {"{{n}}": str(number), "{{last}}": calls[-1][1] if calls else ""}))
    except (AttributeError, KeyError, TypeError) as error:
        raise BadRequest(f"Turn {number} of the sim script is not shaped like a turn: {error!r}") from error


def script_of(text: str) -> dict[str, Any]:
    """The script that a text brings; an empty one when it brings none."""
    match = SCRIPT.search(text)
    return _load(match[1]) if match else {}


@lru_cache(maxsize=64)
def _load(text: str) -> dict[str, Any]:
    try:
        script = json.loads(text)
    except ValueError as error:
        raise BadRequest(f"The sim script is not JSON: {error}") from error
    return dict(script)


def _fill(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(name, text)
        return value
    if isinstance(value, dict):
        return {key: _fill(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, names) for item in value]
    return value


def read(turn: dict[str, Any]) -> Turn:
    return Turn(
        text=turn.get("text", ""),
        thinking=turn.get("thinking", ""),
        tools=tuple(
            ToolCall(tool["name"], tool.get("input", {}), tool.get("raw_input")) for tool in turn.get("tools", [])
        ),
        stop_reason=turn.get("stop_reason", ""),
        delay_ms=turn.get("delay_ms", 0),
        deltas=turn.get("deltas"),
        fault=_fault(turn["fault"]) if turn.get("fault") else None,
    )


def _fault(fault: dict[str, Any]) -> Fault:
    if not str(fault["kind"]).isdigit() and fault["kind"] not in FAULTS:
        raise BadRequest(f"There is no fault {fault['kind']!r}: an HTTP status, or one of {', '.join(FAULTS)}.")
    return Fault(**{**fault, "kind": str(fault["kind"])})
