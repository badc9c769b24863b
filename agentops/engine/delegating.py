"""Calls that hand work to another agent: the engine runs nothing for them, it starts runs and takes their results."""

from __future__ import annotations

from dataclasses import replace

from agentops.core.states import CallStatus

from .journal import Journal
from .state import Call, RunState


async def look(state: RunState, journal: Journal) -> list[Call]:
    """Start what is not started and take what has ended; returns the calls that are done with it.

    It is asked again whenever the run comes back, under whatever worker: which runs there are stands in their rows.
    """
    results = await journal.start_children(state)
    ended = []
    for call in state.calls:
        if call.status is not CallStatus.EXECUTING or (result := results.get(call.id)) is None:
            continue
        call.result = replace(result, ref=result.ref or f"{state.turn}.{call.position + 1}")
        call.status = CallStatus.SUCCEEDED if result.ok else CallStatus.FAILED
        if result.untrusted_source and not state.tainted_by:
            state.tainted_by = result.untrusted_source[:300]
        ended.append(call)
    return ended
