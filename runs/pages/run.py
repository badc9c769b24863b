"""One run: what it is to do, where it stands, and every step, growing while one looks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from runs.models import Run, ToolCall

from . import expected, meters, people, rail, timeline, wording
from .seeing import rights, visible_run

MANY = 500
"""Events after which a page is fetched anew instead of brought up to date."""
OPEN_CALLS = ["proposed", "held", "approved", "executing", "in_doubt"]
LARGEST = 18
"""Digits of a number in an address."""


@require_GET
def page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = visible_run(request, run_id)
    cards = timeline.latest(run, request.actor)
    return render(request, "runs/run.html", {"cards": cards, **state(request, run), **rail.of(run)})


def state(request: HttpRequest, run: Run) -> dict[str, Any]:
    """What stands above and below the timeline."""
    limits = meters.of(run)
    return {
        "run": run,
        "meters": limits,
        "at_limit": any(meter.hit for meter in limits),
        "ending": wording.ending(run),
        "until": wording.until(run),
        "when_read": wording.when_read(run),
        "expected": expected.of(run),
        "unread": list(run.messages.filter(step=None)) if run.unread else [],
        "marks": [] if run.steps else people.marks(run),
        **rights(request, run),
    }


@require_GET
def updates(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """What changed after event `after`, as fragments for their places; steps above `last` are new to the page."""
    run = visible_run(request, run_id)
    after, last = _number(request, "after"), _number(request, "last")
    changed = list(run.events.filter(seq__gt=after).values_list("kind", "data")[: MANY + 1])
    if len(changed) > MANY:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    numbers = {data["step"] for _, data in changed if isinstance(data, dict) and isinstance(data.get("step"), int)}
    if any(kind in people.KINDS for kind, _ in changed):
        numbers.add(last)  # what people did since stands after the page's last step
    # What waits changes without an event of the run, too: a countdown held, a request decided.
    unsettled = ToolCall.objects.filter(run=run, status__in=OPEN_CALLS).values_list("step__number", flat=True)
    cards = timeline.numbered(run, request.actor, numbers | set(unsettled), last)
    context = {
        "changed": [card for card in cards if card.step.number <= last],
        "added": [card for card in cards if card.step.number > last],
        **state(request, run),
        **rail.of(run),
    }
    return render(request, "runs/updates.html", context)


@require_GET
def earlier(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Steps before `before`: a hundred, or back to step `from`, or to the step of `call`."""
    run = visible_run(request, run_id)
    before, call = _number(request, "before"), _number(request, "call")
    first = _number(request, "from") or max(1, before - timeline.CHUNK)
    if call:
        of_call = run.call_set.filter(pk=call).values_list("step__number", flat=True).first()
        first = min(of_call or before, before)
    cards = timeline.between(run, request.actor, first, before)
    return render(request, "runs/_steps.html", {"run": run, "cards": cards, **rights(request, run)})


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text[:LARGEST]) if text.isascii() and text.isdigit() else 0
