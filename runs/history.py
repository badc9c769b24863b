"""The steps that a run remembers: its own, and for a fork those of the runs it came from, up to where it left them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from .models import Run, Step

Part = tuple[UUID, int | None]
"""A run, and the number of the first of its steps that does not count; None: all do."""


def parts_of(run: Run) -> list[Part]:
    """The run itself first, then those it came from."""
    parts: list[Part] = [(run.pk, None)]
    origin, before = run.forked_from_id, run.forked_step
    while origin is not None and before is not None:
        parts.append((origin, before))
        row = Run.objects.filter(pk=origin).values_list("forked_from_id", "forked_step").first()
        origin, step = row or (None, None)
        before = min(before, step) if step is not None else before
    return parts


def steps_of(run: Run) -> QuerySet[Step]:
    """In no order. For a run that is no fork, one condition on its key."""
    return Step.objects.filter(of_parts(parts_of(run), "number"))


def worked_in(run: Run) -> UUID:
    """The run whose folder it works in: what is taken back, again and again, is taken back where it was done."""
    folder, origin = run.pk, run.undoes_id
    while origin is not None:
        folder = origin
        origin = Run.objects.filter(pk=origin).values_list("undoes_id", flat=True).first()
    return folder


def of_parts(parts: list[Part], number: str) -> Q:
    """Rows with a run and a step's `number` that belong to these parts."""
    found = Q()
    for run_id, before in parts:
        found |= Q(run_id=run_id) if before is None else Q(run_id=run_id, **{f"{number}__lt": before})
    return found
