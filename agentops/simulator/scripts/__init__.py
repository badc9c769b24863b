"""The agents the simulator knows by heart: the first script that matches plays, else a general answer."""

from __future__ import annotations

from agentops.simulator.requests import Request
from agentops.simulator.turns import Turn

SHOWN_OF_GOAL = 200


def turn(request: Request) -> Turn:
    """The turn that follows from the messages so far."""
    goal = " ".join(request.goal().split())
    if len(goal) > SHOWN_OF_GOAL:
        goal = goal[:SHOWN_OF_GOAL].rstrip() + "…"
    return Turn(
        text=(
            "I am the simulator that stands in for a model because no API key is set. I know no script for this "
            f"agent, so I have done nothing. The goal was:\n\n> {goal or '(none)'}"
        )
    )
