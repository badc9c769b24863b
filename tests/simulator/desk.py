"""A support desk's run in the small: the script plays the model, the demo's real tools answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentops.core.tools import Tool, ToolResult
from agentops.demo import shop
from agentops.demo.agents import SUPPORT_DESK
from agentops.demo.tools import delete_customer, refund_order
from agentops.simulator import requests, scripts
from agentops.simulator.turns import ToolCall, Turn
from agentops.tools.builtin.list_files import list_files
from agentops.tools.builtin.read_file import read_file
from agentops.tools.builtin.send_email import send_email
from agentops.tools.builtin.sql_query import sql_query
from agentops.tools.builtin.write_file import write_file
from agentops.tools.envelope import for_model
from tests.tools.contexts import context

MOST_TURNS = 20
TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (list_files, read_file, write_file, sql_query, send_email, refund_order, delete_customer)
}

# The words of runs.subject, which tells an agent what became of its request.
REJECTED = ToolResult(
    "error",
    error="A person rejected this action; it was not done. Their reason: The customer already got a voucher.",
    hint="Do not try it again in another form. Go on without it, or give your final answer.",
)
EXPIRED = ToolResult(
    "error",
    error="Nobody decided in time, so it was not done.",
    hint="Go on without it and say so at the end.",
)
ERASED = ToolResult("ok", summary="A person did this outside and reports: Erased in shop and backups, ticket 4711.")
NOT_ERASED = ToolResult("ok", summary="A person did this outside and reports: Not erased, an invoice is still open.")
IN_DOUBT = ToolResult("unknown", error="refund_order was cut off after 20 s: it may or may not have happened.")


@dataclass
class Dialogue:
    turns: list[Turn] = field(default_factory=list)
    outbox: list[dict[str, str]] = field(default_factory=list)

    @property
    def answer(self) -> str:
        return self.turns[-1].text

    @property
    def words(self) -> str:
        return "\n".join(turn.text for turn in self.turns)

    def of(self, tool: str) -> list[ToolCall]:
        return [call for turn in self.turns for call in turn.tools if call.name == tool]

    def to(self, address: str) -> list[str]:
        return [mail["body"] for mail in self.outbox if mail["to"] == address]


async def work(workspace: Path, dsn: str, **outcomes: ToolResult) -> Dialogue:
    """Tools named in `outcomes` do nothing and answer with that."""
    shop.fill_workspace(workspace)
    dialogue = Dialogue()

    def deliver(**mail: str) -> None:
        dialogue.outbox.append(mail)

    async def answer(call: ToolCall) -> str:
        if call.name in outcomes:
            return for_model(outcomes[call.name])
        tool = TOOLS[call.name]
        settings: dict[str, Any] = {"sql_dsn": dsn, "shop_dsn": dsn, "send_email": deliver}
        arguments = tool.validate(call.input)
        return for_model(await tool.run(arguments, context(workspace, call_id=str(call.input), **settings)))

    dialogue.turns = await talk(answer)
    return dialogue


async def talk(answer: Callable[[ToolCall], Awaitable[str]]) -> list[Turn]:
    """Every request goes through the simulator's own checks; more than MOST_TURNS is a loop."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": SUPPORT_DESK.example_goal}]
    turns: list[Turn] = []
    while len(turns) < MOST_TURNS:
        body = {
            "model": "claude",
            "max_tokens": 1000,
            "system": SUPPORT_DESK.system_prompt,
            "tools": [{"name": name, "input_schema": {"type": "object"}} for name in TOOLS],
            "messages": messages,
        }
        request = requests.parse(json.dumps(body).encode(), attempt=1)
        turns.append(scripts.turn(request))
        blocks = turns[-1].blocks(request.turn_number)
        if not turns[-1].tools:
            return turns
        ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
        results = [
            {"type": "tool_result", "tool_use_id": id, "content": await answer(call)}
            for id, call in zip(ids, turns[-1].tools, strict=True)
        ]
        messages += [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
    raise AssertionError(f"Still calling tools after {MOST_TURNS} turns.")
