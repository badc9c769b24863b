"""Hard limits, checked before every model call."""

from __future__ import annotations

from decimal import Decimal

from agentops.core.messages import text_of
from agentops.core.states import CallStatus, StopReason

from .interrupts import End
from .state import Call, RunState


def check(state: RunState) -> None:
    """Raises End with the partial result when the run may not take another step."""
    limits = state.limits
    if state.steps >= limits.max_steps:
        raise stop(state, StopReason.MAX_STEPS, f"It took the {limits.max_steps} steps it may take.")
    tokens = state.tokens + state.lent.tokens
    if tokens >= limits.max_tokens:
        raise stop(state, StopReason.MAX_TOKENS, f"It used {tokens:,} of {limits.max_tokens:,} tokens.")
    if state.active_ms >= limits.max_seconds * 1000:
        raise stop(state, StopReason.MAX_SECONDS, f"It worked for the {limits.max_seconds} seconds it may work.")


def check_cost(state: RunState, hold: Decimal) -> None:
    """Raises End when the next call could pass the run's cost limit."""
    spent = state.cost_usd + state.lent.cost_usd
    left = state.limits.max_cost_usd - spent
    if hold > left:
        raise stop(
            state,
            StopReason.MAX_COST,
            f"Its cost limit is {state.limits.max_cost_usd:.4f} USD and {spent:.4f} is spent; "
            f"the next model call could cost up to {hold:.4f}.",
        )


def stop(state: RunState, reason: StopReason, detail: str) -> End:
    """The end at a limit: what the agent said last stands as the partial result."""
    said = (text_of(m["content"]) for m in reversed(state.messages) if m["role"] == "assistant")
    partial = next((words for words in said if words), "")
    return End(reason, answer=partial, detail=detail, outcome=state.agent.missed)


def calls_left(state: RunState) -> int:
    """The tool calls that the run, or those below it, may still make."""
    return state.limits.max_tool_calls - state.tool_calls - state.lent.tool_calls


def over_budget(state: RunState, calls: list[Call]) -> None:
    """Turns down the calls beyond the caps per turn and per run; each tells the model why.

    Raises End when the run's tool calls were used up before this turn: the model was told and asks again.
    """
    left = calls_left(state)
    if calls and left <= 0:
        raise stop(
            state,
            StopReason.MAX_TOOL_CALLS,
            f"It made the {state.limits.max_tool_calls} tool calls it may make.",
        )
    in_a_turn = state.limits.max_parallel_calls
    reason = (
        f"Not run: {in_a_turn} tool calls are allowed in one turn. Ask again in the next turn."
        if left >= in_a_turn
        else f"Not run: only {left} of this run's {state.limits.max_tool_calls} tool calls were left. "
        "Give your final answer with what you have."
    )
    proposed = [call for call in calls if call.status is CallStatus.PROPOSED]
    for call in proposed[min(left, in_a_turn) :]:
        call.status, call.reason = CallStatus.INVALID, reason
