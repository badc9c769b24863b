"""Whole results by reference, as a run may read them back: its own, those of the runs it came from, and, named by the
key of their step, those of the steps of the plan that it is a part of."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db import connection

from agentops.core.tools import ToolResult

from . import history
from .models import PlanStep, Run, ToolCall

_REFERENCE = re.compile(r"(?:(?P<key>[\w.-]{1,40}):)?(?P<step>\d{1,9})\.(?P<call>\d{1,4})")


def reader(run_id: str) -> Callable[[str], ToolResult | None]:
    """For a tool that runs in a thread of its own."""

    def read(ref: str) -> ToolResult | None:
        try:
            return find(run_id, ref)
        finally:
            connection.close()

    return read


def find(run_id: str, ref: str) -> ToolResult | None:
    match = _REFERENCE.fullmatch(ref.strip())
    run = Run.objects.filter(pk=run_id).first()
    if match and run and match["key"]:
        run = _sibling(run, match["key"])
    if match is None or run is None:
        return None
    parts = history.of_parts(history.parts_of(run), "step__number")
    calls = ToolCall.objects.filter(parts, step__number=int(match["step"]), position=int(match["call"]) - 1)
    row = calls.exclude(result=None).order_by("-id").values_list("result", flat=True).first()
    return ToolResult(**row) if row else None


def _sibling(run: Run, key: str) -> Run | None:
    """The latest run that carried out the step `key` of the plans of the run above this one."""
    if run.plan_step_id is None:
        return None
    # Of every plan of the run above: a step that an earlier one has done keeps its key, and its run stays that plan's.
    steps = PlanStep.objects.filter(plan__run__plans__steps=run.plan_step_id, key=key)
    return Run.objects.filter(plan_step__in=steps).order_by("-created_at").first()
