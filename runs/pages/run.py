"""One run: what it is to do, where it stands, and every step, growing while one looks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from agentops.accounts.access import Right
from runs.models import Run, ToolCall

from . import meters, timeline, wording

MANY = 500
"""Events after which a page is fetched anew instead of brought up to date."""
OPEN_CALLS = ["proposed", "held", "approved", "executing", "in_doubt"]


def visible_run(request: HttpRequest, run_id: UUID) -> Run:
    return get_object_or_404(
        Run.objects.visible_to(request.actor).select_related("agent", "version", "team"), pk=run_id
    )


@require_GET
def page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = visible_run(request, run_id)
    cards = timeline.latest(run, request.actor)
    return render(request, "runs/run.html", {"cards": cards, **state(request, run)})


def state(request: HttpRequest, run: Run) -> dict[str, Any]:
    """What stands around the timeline."""
    return {
        "run": run,
        "meters": meters.of(run),
        "ending": wording.ending(run),
        **rights(request, run),
        "costs": list(
            run.model_calls.values("model")
            .annotate(cost=Sum("cost_usd"), calls=Count("id"), input=Sum("input_tokens"), output=Sum("output_tokens"))
            .order_by("-cost")
        ),
    }


def rights(request: HttpRequest, run: Run) -> dict[str, bool]:
    can = request.actor.can
    return {"may_operate": can(Right.OPERATE, run.team_id), "may_decide": can(Right.DECIDE, run.team_id)}


@require_GET
def updates(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """What changed after event `after`, as fragments for their places; steps above `last` are new to the page."""
    run = visible_run(request, run_id)
    after, last = _number(request, "after"), _number(request, "last")
    changed = list(run.events.filter(seq__gt=after).values_list("data", flat=True)[: MANY + 1])
    if len(changed) > MANY:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    numbers = {data["step"] for data in changed if isinstance(data, dict) and isinstance(data.get("step"), int)}
    # What waits changes without an event of the run, too: a countdown held, a request decided.
    unsettled = ToolCall.objects.filter(run=run, status__in=OPEN_CALLS).values_list("step__number", flat=True)
    cards = timeline.numbered(run, request.actor, numbers | set(unsettled), last)
    context = {
        "changed": [card for card in cards if card.step.number <= last],
        "added": [card for card in cards if card.step.number > last],
        **state(request, run),
    }
    return render(request, "runs/updates.html", context)


@require_GET
def earlier(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Steps before `before`: a hundred, or back to `from`."""
    run = visible_run(request, run_id)
    before = _number(request, "before")
    first = _number(request, "from") or max(1, before - timeline.CHUNK)
    cards = timeline.between(run, request.actor, max(first, before - 1000), before)
    return render(request, "runs/_steps.html", {"run": run, "cards": cards, **rights(request, run)})


@require_GET
def raw(request: HttpRequest, run_id: UUID, number: int) -> HttpResponse:
    run = visible_run(request, run_id)
    step = get_object_or_404(run.step_set.prefetch_related("call_set", "model_calls"), number=number)
    return render(request, "runs/_raw.html", {"step": step})


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text[:18]) if text.isascii() and text.isdigit() else 0
