"""The demo's operations lead: plans a report, works through its steps, and writes it from their results."""

from __future__ import annotations

from agentops.simulator.requests import Request
from agentops.simulator.turns import Turn

from . import lead_plan, lead_report, lead_step
from .heard import Heard, latest


def matches(request: Request) -> bool:
    return "operations lead" in request.system.lower()


def turn(request: Request) -> Turn:
    found = latest(request)
    if found is None:
        return lead_step.turn(request)
    return lead_report.turn(request) if found[0] is Heard.WORKED else lead_plan.turn(request)


def closing(request: Request) -> str:
    found = latest(request)
    if found is None:
        return lead_step.closing(request)
    return lead_report.closing(request) if found[0] is Heard.WORKED else lead_plan.turn(request).text
