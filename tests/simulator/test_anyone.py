"""An agent of one's own is played too: it calls the tools that its goal names."""

from __future__ import annotations

import json
from typing import Any

from agentops.simulator import requests, scripts
from agentops.simulator.turns import Turn

GREET = {
    "name": "greet",
    "input_schema": {
        "type": "object",
        "required": ["name", "times"],
        "properties": {"name": {"type": "string"}, "times": {"type": "integer"}},
    },
}


def play(goal: str, *results: str, tools: Any = (GREET,)) -> Turn:
    messages: list[dict[str, Any]] = [{"role": "user", "content": goal}]
    for number, result in enumerate(results):
        use = {"type": "tool_use", "id": f"t{number}", "name": "greet", "input": {}}
        messages += [
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{number}", "content": result}]},
        ]
    body = {"model": "claude", "max_tokens": 10, "system": "You greet.", "tools": list(tools), "messages": messages}
    return scripts.turn(requests.parse(json.dumps(body).encode(), attempt=1))


def test_a_named_tool_is_called_with_the_given_arguments() -> None:
    turn = play('Please use greet {"name": "Ada", "times": 2} now.')
    assert [(call.name, call.input) for call in turn.tools] == [("greet", {"name": "Ada", "times": 2})]


def test_arguments_that_are_not_given_are_made_up_to_fit() -> None:
    assert play("Use greet.").tools[0].input == {"name": "example", "times": 1}
    assert play("Use greet {broken").tools[0].input == {"name": "example", "times": 1}


def test_it_says_what_came_back_and_stops() -> None:
    turn = play("Use greet.", '{"ok":true,"data":"Hello, Ada!"}')
    assert not turn.tools
    assert "`greet`: Hello, Ada!" in turn.text
    assert "did not work: No." in play("Use greet.", '{"ok":false,"error":"No."}').text


def test_without_a_named_tool_it_says_how_to_name_one() -> None:
    turn = play("Be nice.")
    assert not turn.tools
    assert 'use greet {"name": "value"}' in turn.text
    assert "no API key" in play("Be nice.", tools=()).text
