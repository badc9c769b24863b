"""Goal and state, told to the model each turn from the record: what was done, with what outcome, and what was noted."""

from __future__ import annotations

from .state import RunState

MOST_GOAL = 2_000
MOST_DEEDS = 30
MOST_FACTS = 60


def of(state: RunState) -> str:
    """Nothing for the first turn, which begins with the goal."""
    if not state.messages:
        return ""
    limits = state.limits
    lines = [
        f"Where you stand, from the record: step {state.steps + 1} of {limits.max_steps}, "
        f"tool call {state.tool_calls} of {limits.max_tool_calls}.",
        f"Your goal: {_shortened(state.goal, MOST_GOAL)}",
    ]
    deeds = state.deeds[-MOST_DEEDS:]
    if deeds:
        earlier = state.deeds_before + len(state.deeds) - len(deeds)
        lines.append("Done so far" + (f" ({earlier} earlier ones left out)" if earlier else "") + ":")
        lines += [f"- step {deed.step}: {_shortened(deed.effect, 200)}: {deed.outcome}" for deed in deeds]
    if state.facts:
        lines.append("Noted:")
        lines += [f"- {name}: {_shortened(fact, 300)}" for name, fact in list(state.facts.items())[-MOST_FACTS:]]
    return "\n".join(lines)


def _shortened(words: str, most: int) -> str:
    line = " ".join(words.split())
    return line if len(line) <= most else line[: most - 1] + "…"
