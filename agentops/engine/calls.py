"""Tool calls on their way in (known? valid? what would it do?) and on their way back to the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from difflib import get_close_matches

from agentops.core.messages import Block, tool_result
from agentops.core.models import ToolUse
from agentops.core.states import CallStatus
from agentops.core.storable import storable
from agentops.core.tools import InvalidArguments, Tool, Toolbox, ToolResult, digest

from .state import Call

Render = Callable[[ToolResult], str]
"""The envelope as the model reads it."""


def propose(uses: list[ToolUse], toolbox: Toolbox, *, cut_off: bool) -> list[Call]:
    """A call for each tool use, `proposed` when it may go to the policy, `invalid` with the reason when not.

    `cut_off`: the answer hit the output limit, so the last call's arguments may be half of what was meant.
    """
    calls = []
    for position, use in enumerate(uses):
        call = Call(position, storable(use.id), storable(use.name)[:128], storable(use.input), {}, CallStatus.PROPOSED)
        tool = toolbox.get(use.name)
        try:
            if use.problem:
                raise InvalidArguments(
                    f"The arguments were not a JSON object ({use.problem}). Write them again, whole."
                )
            if cut_off and position == len(uses) - 1:
                raise InvalidArguments("Your answer was cut off at the output limit. Make the call again, shorter.")
            if tool is None:
                raise InvalidArguments(_unknown(use.name, toolbox))
            _describe(call, tool, use)
        except InvalidArguments as error:
            call.status, call.reason = CallStatus.INVALID, storable(str(error))
        calls.append(call)
    return calls


def _describe(call: Call, tool: Tool, use: ToolUse) -> None:
    call.arguments = tool.validate(use.input)
    call.effect = tool.effect_line(call.arguments)
    call.reads_only = tool.reads_only
    call.asks_person = tool.asks_person
    call.starts_run = tool.starts_run
    call.idempotent = tool.idempotent or tool.reads_only
    call.bound_hash = bind(tool, call.arguments, call.effect)


def bind(tool: Tool, arguments: dict[str, object], effect: str) -> str:
    """What a decision is about: exactly these arguments, this schema, this effect."""
    return digest([tool.spec.hash, arguments, effect])


def _unknown(name: str, toolbox: Toolbox) -> str:
    names = [spec.name for spec in toolbox.specs()]
    near = get_close_matches(name, names, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"There is no tool “{name[:80]}”.{meant} The tools are: {', '.join(names)}."


UNDECIDED = "Not done yet: a person is deciding about it."


def turn_down(calls: list[Call], reason: str) -> None:
    """The run ends with these calls proposed: they will not run, and the record says why."""
    for call in calls:
        if call.status is CallStatus.PROPOSED:
            call.status, call.reason = CallStatus.INVALID, reason


def not_run(call: Call) -> ToolResult:
    """The envelope of a call that never ran, in the model's words: each ending keeps its own."""
    if call.status is CallStatus.INVALID:
        return ToolResult("error", error=call.reason, hint="Nothing was executed.")
    if call.status is CallStatus.CANCELLED:
        return ToolResult("error", error="Cancelled before it ran.", hint="Nothing was executed.")
    raise ValueError(f"A call that is {call.status} has a result of its own.")


def results(calls: list[Call], render: Render) -> list[Block]:
    """One `tool_result` for each call, in the order the model asked; of those still open, that they are."""
    return [_result(call, render) for call in sorted(calls, key=lambda call: call.position)]


def _result(call: Call, render: Render) -> Block:
    if not call.final:
        return tool_result(call.tool_use_id, UNDECIDED)
    result = call.result or not_run(call)
    words = render(result)
    if call.edited_by and call.result:
        changed = json.dumps(call.arguments, ensure_ascii=False)
        words = f"Before it ran, a person ({call.edited_by}) changed its arguments to {changed}\n{words}"
    return tool_result(call.tool_use_id, words, is_error=not result.ok)
