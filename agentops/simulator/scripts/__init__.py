"""The agents the simulator knows by heart: the first script that matches plays, else it does as the goal says."""

from __future__ import annotations

from dataclasses import replace

from agentops.simulator.requests import Request
from agentops.simulator.turns import Turn

from . import analyst, anyone, judging, lead, people, researcher, summarising, support_desk

SCRIPTS = (lead, support_desk, researcher, analyst)


def summarised(request: Request) -> Turn | None:
    """The summary that the engine asks a model for, whichever model it is."""
    words = summarising.summary(request)
    return Turn(text=words) if words else None


def judged(request: Request) -> Turn | None:
    """The verdict that the engine asks a model for, whichever model it is."""
    return judging.verdict(request)


def turn(request: Request) -> Turn:
    """The turn that follows from the messages so far."""
    if answer := people.answer(request):
        return Turn(text=answer)
    script = next((script for script in SCRIPTS if script.matches(request)), anyone)
    made = Turn(text=script.closing(request)) if people.want_an_end(request) else script.turn(request)
    heard = people.acknowledged(request)
    return replace(made, text=f"{heard}{made.text}") if heard else made
