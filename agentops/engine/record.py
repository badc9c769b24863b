"""What a run keeps in mind from its rows: the deeds that changed something with their outcomes, and the noted facts."""

from __future__ import annotations

from typing import Any

from agentops.core.states import CallStatus

from .state import Call, Deed, RunState

KEPT = 40
"""Deeds a worker keeps in mind; of those before it knows the number."""
NOTE = "note_fact"

_WORDS = {
    CallStatus.SUCCEEDED: "done",
    CallStatus.ANSWERED: "a person answered in its place",
    CallStatus.DONE_BY_PERSON: "done by a person",
    CallStatus.REJECTED: "rejected by a person, not done",
    CallStatus.EXPIRED: "not done, nobody decided in time",
    CallStatus.CANCELLED: "cancelled, not done",
}


def add(state: RunState, calls: list[Call], step: int) -> None:
    """The calls of a step are final: remember what they did."""
    for call in calls:
        if did_it(call.status, call.asks_person):
            state.used.add(call.tool)
        if call.tool == NOTE and call.status is CallStatus.SUCCEEDED:
            note(state.facts, call.arguments)
        elif not call.reads_only and call.status is not CallStatus.INVALID:
            error = call.result.error if call.result else ""
            state.deeds.append(Deed(step, call.effect or call.tool, outcome(call.status, error)))
    excess = max(len(state.deeds) - KEPT, 0)
    del state.deeds[:excess]
    state.deeds_before += excess


def did_it(status: CallStatus, asks_person: bool) -> bool:
    """Whether what the call was for has happened; a person's answer is all that a question is for."""
    done = (CallStatus.SUCCEEDED, CallStatus.DONE_BY_PERSON, *([CallStatus.ANSWERED] if asks_person else []))
    return status in done


def note(facts: dict[str, str], arguments: dict[str, Any]) -> None:
    name, fact = str(arguments.get("name", "")), str(arguments.get("fact", ""))
    facts.pop(name, None)
    if fact.strip():
        facts[name] = fact


def outcome(status: CallStatus, error: str) -> str:
    return _WORDS.get(status) or f"failed: {error[:200]}"
