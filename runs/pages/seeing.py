"""The run that a page is about, and what the person who looks at it may do."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from agentops.accounts.access import Right
from runs.models import Run


def visible_run(request: HttpRequest, run_id: UUID) -> Run:
    return get_object_or_404(
        Run.objects.visible_to(request.actor).select_related("agent", "version", "team"), pk=run_id
    )


def rights(request: HttpRequest, run: Run) -> dict[str, bool]:
    def can(right: Right) -> bool:
        return bool(request.actor.can(right, run.team_id))

    return {
        "may_operate": can(Right.OPERATE),
        "may_decide": can(Right.DECIDE),
        "may_answer": can(Right.OPERATE) or can(Right.DECIDE),
        "may_administer": can(Right.ADMINISTER),
    }
