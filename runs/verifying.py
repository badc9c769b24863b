"""Calls in doubt are looked up in the outside system, where their tool can; a person still says what counts.

The looking is done on the sweeps' queue: it reaches outside and may take seconds, which no request of a page should.
Each call is looked up once by itself, and again whenever somebody asks.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from agentops.core.states import CallStatus
from agentops.core.storable import storable
from agentops.core.tools import ToolContext, Verification
from agentops.live import publish
from agentops.tools.registry import registry

from . import assembly, history
from .late import add_events
from .models import Run, ToolCall

log = structlog.get_logger(__name__)

AT_ONCE = 20
GIVEN_UP_AFTER = timedelta(seconds=30)
"""A look that says nothing for so long is lost with its process, and is begun anew."""


def verify_due() -> int:
    """Look up what is in doubt and was never looked up, or was asked for again. How many were."""
    claimed = [call for call in _due()[:AT_ONCE] if _claim(call)]
    if claimed:
        for call, found in zip(claimed, asyncio.run(_look_up(claimed)), strict=True):
            _note(call, found)
    return len(claimed)


def waits_for_look(call: ToolCall) -> bool:
    """Somebody asked, or it is just being looked up."""
    verified = call.verified or {}
    return bool(verified.get("asked_at") or verified.get("looking_since"))


def tools_that_look() -> list[str]:
    return [name for name in registry.names() if (tool := registry.get(name)) and tool.can_verify]


def _due() -> QuerySet[ToolCall]:
    lost = (timezone.now() - GIVEN_UP_AFTER).isoformat()
    waiting = Q(verified__isnull=True) | Q(verified__asked_at__isnull=False) | Q(verified__looking_since__lt=lost)
    doubtful = ToolCall.objects.filter(status=CallStatus.IN_DOUBT, tool__in=tools_that_look())
    return doubtful.filter(waiting).select_related("run", "step").order_by("started_at")


def _claim(call: ToolCall) -> bool:
    """Compare-and-set: of two sweeps one looks."""
    before = call.verified
    call.verified = {**_words(before), "looking_since": timezone.now().isoformat()}
    same = Q(verified__isnull=True) if before is None else Q(verified=before)
    return bool(ToolCall.objects.filter(same, pk=call.pk, status=CallStatus.IN_DOUBT).update(verified=call.verified))


def _words(verified: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (verified or {}).items() if name in ("said", "happened", "at")}


async def _look_up(calls: list[ToolCall]) -> list[Verification]:
    return await asyncio.gather(*(_ask(call) for call in calls))


async def _ask(call: ToolCall) -> Verification:
    tool = registry.get(call.tool)
    if tool is None:
        return Verification("Its tool is not installed any more.")
    return await tool.verify(call.arguments, context_of(call))


def _note(call: ToolCall, found: Verification) -> None:
    """Nothing when a person was faster."""
    said = {"said": storable(found.said), "happened": found.happened, "at": timezone.now().isoformat()}
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=call.run_id)
        if ToolCall.objects.filter(pk=call.pk, status=CallStatus.IN_DOUBT).update(verified=said):
            announce(run, call)
    log.info("call_looked_up", run=str(call.run_id), call=call.pk, happened=found.happened)


def announce(run: Run, call: ToolCall) -> None:
    """The run is locked. Its page shows the call anew."""
    data = {"step": call.step.number, "call": call.pk, "tool": call.tool, "status": CallStatus.IN_DOUBT.value}
    numbered = add_events(run, [("call.changed", data)])
    transaction.on_commit(partial(publish.announce, run.pk, run.team_id, numbered))


def context_of(call: ToolCall) -> ToolContext:
    """What the tool had when it was called, above all the call's own key."""
    run = call.run
    return ToolContext(
        run_id=str(run.pk),
        call_id=f"{run.pk}:{call.step.number}.{call.position}",
        team_id=run.team_id,
        agent=run.agent_name,
        workspace=assembly.workspace(str(history.worked_in(run))),
        settings=assembly.tool_settings(run.pk),
    )
