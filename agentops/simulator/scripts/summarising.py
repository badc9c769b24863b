"""Shortens a conversation as the engine asks a model to: what was done and what stands in it, taken from the record."""

from __future__ import annotations

import re

from agentops.simulator.requests import Request

from .results import one_line, read

OPENING = "You write the summary that takes the place of the earlier turns"
MOST_DONE = 25
"""The latest calls that are told one by one."""
MOST_FACTS = 30

_CALL = re.compile(r"^It called ([\w-]+) \((.*?)\) ", re.MULTILINE)
_RESULT = re.compile(r"^Result: (.*)$", re.MULTILINE)
_FACT = re.compile(r"\b(?:fact|remember): [^\n\"\\]{3,160}?(?= *(?:\bfact:|\bremember:|[\n\"\\]|$))", re.IGNORECASE)


def summary(request: Request) -> str:
    """Nothing when no summary is asked for."""
    if not request.system.startswith(OPENING):
        return ""
    record = request.goal()
    facts = list(dict.fromkeys(one_line(found, 200) for found in _FACT.findall(record)))[-MOST_FACTS:]
    calls = [match[2] for match in _CALL.finditer(record)]
    outcomes = [_outcome(found) for found in _RESULT.findall(record)]
    done = [f"- {call}: {outcome}" for call, outcome in zip(calls, outcomes, strict=False)]
    earlier = f" ({len(done) - MOST_DONE} calls before these)" if len(done) > MOST_DONE else ""
    parts = [f"Done{earlier}:", *(done[-MOST_DONE:] or ["- nothing yet"])]
    parts += ["", "Facts:", *(f"- {fact}" for fact in facts or ["none"])]
    return "\n".join([*parts, "", "Open:", "- the goal"])


def _outcome(text: str) -> str:
    result = read(text)
    if result.ok:
        return one_line(result.summary or str(result.data), 120)
    return one_line(f"did not work: {result.problem}", 120)
