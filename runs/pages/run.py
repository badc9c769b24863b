"""One run: what it is to do, where it stands, and every step, growing while one looks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from runs.history import steps_of
from runs.models import Run, ToolCall

from . import below, expected, forking, meters, people, plan, rail, structured, taking_over, timeline, undoing, wording
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
    above = timeline.Gap(0, cards[0].step.number) if cards else None
    return render(request, "runs/run.html", {"cards": cards, "gap_above": above, **state(request, run), **rail.of(run)})


def state(request: HttpRequest, run: Run) -> dict[str, Any]:
    """What stands above and below the timeline."""
    limits = meters.of(run)
    return {
        "run": run,
        "meters": limits,
        "at_limit": any(meter.hit for meter in limits),
        "ending": wording.ending(run),
        "structured": structured.of(run),
        "until": wording.until(run),
        "when_read": wording.when_read(run),
        "expected": expected.of(run),
        "unread": list(run.messages.filter(step=None)) if run.unread else [],
        "marks": [] if run.steps else people.marks(run),
        "can_fork": forking.can_fork(run),
        "can_roll_back": undoing.can_roll_back(run),
        "origin_words": forking.origin_words(run) if run.forked_from_id else "",
        **taking_over.panel(run, request.actor),
        **plan.of(run, request.actor),
        **below.of(run),
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
    """Steps of the gap between `after` and `before`: a hundred, or those around `step`, or around that of `call`."""
    run = visible_run(request, run_id)
    gap = timeline.Gap(_number(request, "after"), _number(request, "before"))
    wanted = _number(request, "step")
    if call := _number(request, "call"):
        wanted = steps_of(run).filter(call_set=call).values_list("number", flat=True).first() or 0
    if (wanted or call) and not gap.after < wanted < gap.before:
        return HttpResponse(status=204)
    first, before = gap.part(wanted)
    context = {
        "run": run,
        "cards": timeline.between(run, request.actor, first, before),
        "gap_above": timeline.Gap(gap.after, first),
        "gap_below": timeline.Gap(before - 1, gap.before),
        "can_fork": forking.can_fork(run),
        **rights(request, run),
    }
    return render(request, "runs/_steps.html", context)


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text[:LARGEST]) if text.isascii() and text.isdigit() else 0
