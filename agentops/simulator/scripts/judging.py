"""Judges an answer as the engine asks a model to: by what a question quotes, or as the goal's own script says.

A script says it by what stands in the answer: ```sim {"turns": […], "judge": {"A-1": {"text": "Hm."}}}```.
"""

from __future__ import annotations

import json
import re
from typing import Any

from agentops.simulator import scripted
from agentops.simulator.requests import Request
from agentops.simulator.turns import Turn

OPENING = "You judge whether an agent's answer meets what was asked for"
_QUOTED = re.compile(r"[“\"']([^”\"']{2,})[”\"']")


def verdict(request: Request) -> Turn | None:
    """None when nothing is to be judged."""
    if not request.system.startswith(OPENING):
        return None
    case = json.loads(request.goal())
    for words, turn in scripted.script_of(case["goal"]).get("judge", {}).items():
        if words in case["answer"]:
            return scripted.read(turn)
    return Turn(text=json.dumps({"verdicts": [_judged(question, case) for question in case["questions"]]}))


def _judged(question: str, case: dict[str, Any]) -> dict[str, Any]:
    missing = [words for words in _QUOTED.findall(question) if words.lower() not in case["answer"].lower()]
    if missing:
        return {"met": False, "why": f"The answer does not say “{missing[0]}”."}
    return {"met": bool(case["answer"].strip()), "why": "It stands in the answer."}
