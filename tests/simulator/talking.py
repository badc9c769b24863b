"""Plays a demo agent in the small: the script is the model, real tools answer or what a test says they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentops.core.tools import ToolResult
from agentops.demo.agents import DemoAgent
from agentops.simulator import requests, scripts
from agentops.simulator.turns import ToolCall, Turn
from agentops.tools.builtin import send_email  # noqa: F401 - importing the package registers its tools
from agentops.tools.envelope import for_model
from agentops.tools.registry import registry
from tests.tools.contexts import context

MOST_TURNS = 20
Outcome = ToolResult | str | Callable[[dict[str, Any]], ToolResult]
"""Text goes to the model as it is."""


@dataclass
class Talk:
    agent: DemoAgent
    workspace: Path
    settings: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """Tools that do nothing and answer with that."""
    goal: str = ""
    said: dict[int, str] = field(default_factory=dict)
    """What a person says, by the turn that hears it."""
    turns: list[Turn] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def play(self) -> Talk:
        """To the answer. Every request passes the simulator's own checks."""
        self.messages = [{"role": "user", "content": self.goal or self.agent.example_goal}]
        while len(self.turns) < MOST_TURNS:
            request = self.request()
            turn = scripts.turn(request)
            self.turns.append(turn)
            if not turn.tools:
                return self
            blocks = turn.blocks(request.turn_number)
            ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
            results: list[dict[str, Any]] = [
                {"type": "tool_result", "tool_use_id": id, "content": await self._answer(call)}
                for id, call in zip(ids, turn.tools, strict=True)
            ]
            if text := self.said.get(len(self.turns)):
                results.append({"type": "text", "text": f"A person who watches this run (ada) says: {text}"})
            self.messages += [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
        raise AssertionError(f"Still calling tools after {MOST_TURNS} turns.")

    def request(self, *more: dict[str, Any]) -> requests.Request:
        body = {
            "model": "claude",
            "max_tokens": 1000,
            "system": self.agent.system_prompt,
            "tools": [
                {"name": name, "input_schema": registry.get(name).spec.input_schema} for name in self.agent.tools
            ],  # type: ignore[union-attr]  # they are there
            "messages": [*self.messages, *more],
        }
        return requests.parse(json.dumps(body).encode(), attempt=1)

    async def _answer(self, call: ToolCall) -> str:
        outcome = self.outcomes.get(call.name)
        if isinstance(outcome, str):
            return outcome
        if outcome is not None:
            return for_model(outcome(call.input) if callable(outcome) else outcome)
        tool = registry.get(call.name)
        assert tool is not None
        arguments = tool.validate(call.input)
        return for_model(await tool.run(arguments, context(self.workspace, call_id=str(call.input), **self.settings)))

    @property
    def answer(self) -> str:
        return self.turns[-1].text

    @property
    def words(self) -> str:
        return "\n".join(turn.text for turn in self.turns)

    def of(self, tool: str) -> list[ToolCall]:
        return [call for turn in self.turns for call in turn.tools if call.name == tool]
