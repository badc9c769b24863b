"""The whole record of a step: the request as it was sent, the model's blocks, every attempt."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from agentops.context.record import record
from agentops.core.messages import Message, user
from agentops.engine.answers import as_sent
from agentops.engine.prompts import judge, rules, summarise
from agentops.tools.registry import registry
from runs import compacting
from runs.assembly import with_reading
from runs.history import steps_of
from runs.models import Run, Step

from .seeing import visible_run

BESIDE = {Step.Kind.COMPACTION: summarise, Step.Kind.JUDGE: judge}
"""What a model is told that works beside the conversation, in place of the agent's own."""


@require_GET
def panel(request: HttpRequest, run_id: UUID, number: int) -> HttpResponse:
    run = visible_run(request, run_id)
    steps = run.step_set.prefetch_related("call_set", "model_calls")
    step = get_object_or_404(steps, number=number)
    context = {"run": run, "step": step, "system": _system(run), "tools": _tools(run)}
    return render(request, "runs/_raw.html", context)


@require_GET
def whole_request(request: HttpRequest, run_id: UUID, number: int) -> JsonResponse:
    """System prompt, tools and all messages, put together again from the rows: what the model was sent."""
    run = visible_run(request, run_id)
    step = get_object_or_404(run.step_set, number=number)
    content = {
        "model": step.model or (run.version.model_chain if run.version else []),
        "system": BESIDE[step.kind]() if step.kind in BESIDE else _system(run),
        "tools": [] if step.kind in BESIDE else _tools(run),
        "messages": _messages(run, step),
    }
    return JsonResponse(content, json_dumps_params={"indent": 2})


def _system(run: Run) -> str:
    return f"{run.version.system_prompt}\n\n{rules()}" if run.version else ""


def _tools(run: Run) -> list[dict[str, Any]]:
    """As they are declared now; a tool that is gone is left out."""
    names = with_reading(run.version.tools) if run.version else []
    return [asdict(tool.spec) for name in names if (tool := registry.get(name))]


def _messages(run: Run, step: Step) -> list[Message]:
    """What the step's request began with, and what the step added; of a shortening, the record that was summarised."""
    if step.kind == Step.Kind.JUDGE:
        return [step.input]
    found: list[Message] = []
    for row in steps_of(run).filter(number__lt=step.number).order_by("number"):
        if row.kind == Step.Kind.COMPACTION:
            found = compacting.shortened(found, row.details, row.output)
        elif row.kind in compacting.CONVERSING:
            found.append(row.input)
            if row.status == Step.Status.ANSWERED:
                found.append({"role": "assistant", "content": as_sent(row.output, row.stop_reason)})
    if step.kind == Step.Kind.COMPACTION:
        kept = (step.details or {}).get("kept", 0)
        return [user(record(found[: len(found) - kept], lambda use: str(use.get("name"))))]
    return [*found, *([user(*step.input["content"], step.reminder)] if step.reminder else [step.input])]
