"""The agents the simulator knows by heart: the first script that matches plays, else a general answer."""

from __future__ import annotations

from agentops.simulator.requests import Request
from agentops.simulator.turns import Turn

from . import support_desk
from .results import one_line

SCRIPTS = ((support_desk.matches, support_desk.turn),)


def turn(request: Request) -> Turn:
    """The turn that follows from the messages so far."""
    for matches, play in SCRIPTS:
        if matches(request):
            return play(request)
    return Turn(
        text=(
            "I am the simulator that stands in for a model because no API key is set. I know no script for this "
            f"agent, so I have done nothing. The goal was:\n\n> {one_line(request.goal(), 200) or '(none)'}"
        )
    )
