"""Calls that somebody but the model chose: a person who has taken over, an undo, or the engine when it is stuck.

Such a turn is a step like any other, answered without a model call: its call is checked, judged by the policy, held or
run as every call is, and its result goes back to the model.
"""

from __future__ import annotations

from agentops.core.messages import text
from agentops.core.models import ModelAnswer, ToolUse

from .asking import Asking
from .state import Order


async def carry_out(asking: Asking, order: Order) -> None:
    """Open a step, answer it with the ordered call, and take that call up."""
    step = await asking.open_order()
    note = f" ({order.note})" if order.note else ""
    use = ToolUse(f"order_{asking.state.id}_{step.number}", order.tool, order.arguments)
    said = f"({order.by} chose this call in your place{note}.)"
    block = {"type": "tool_use", "id": use.id, "name": use.name, "input": use.input}
    await asking.take(step, ModelAnswer([text(said), block], [use], "tool_use", []), order)
    if order.stored:
        asking.state.orders.pop(0)
