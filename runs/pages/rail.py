"""What stands beside a run's timeline: money and tokens, the context, taint, approvals, files."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Count, Min, QuerySet, Sum
from django.db.models.functions import Cast

from agentops.core.tools import Tier
from agentops.tools.errors import ToolError
from agentops.tools.workspace import Workspace
from approvals.models import ApprovalRequest
from runs.assembly import workspace
from runs.models import Run, ToolCall
from runs.subject import KIND

from . import context_bar

MOST = 12
"""Approvals and files that are listed."""


def of(run: Run) -> dict[str, Any]:
    return {
        "costs": list(
            run.model_calls.values("model")
            .annotate(cost=Sum("cost_usd"), calls=Count("id"), input=Sum("input_tokens"), output=Sum("output_tokens"))
            .order_by("-cost")
        ),
        "cache_percent": round(100 * run.cache_read_tokens / run.input_tokens) if run.input_tokens else 0,
        "context": context_bar.of(run),
        "sources": _sources(run) if run.tainted_by else [],
        "approvals": list(_approvals(run)[: MOST + 1]),
        "files": files_of(run),
    }


def _sources(run: Run) -> list[dict[str, Any]]:
    """Where untrusted content came from, each with the first call that brought it."""
    calls = run.call_set.exclude(untrusted_source="").values("untrusted_source")
    return list(calls.annotate(call=Min("pk"), step=Min("step__number"), times=Count("pk")).order_by("call")[:MOST])


def _approvals(run: Run) -> QuerySet[ApprovalRequest]:
    judged = ToolCall.objects.filter(run=run).exclude(tier__in=["", Tier.LOW]) | ToolCall.objects.filter(
        run=run, tool="ask_human"
    )
    subjects = judged.annotate(subject=Cast("pk", CharField())).values("subject")
    return ApprovalRequest.objects.filter(subject_kind=KIND, team_id=run.team_id, subject_id__in=subjects).order_by(
        "-created_at"
    )


def files_of(run: Run) -> list[dict[str, Any]]:
    """What lies in the run's folder, when this process can see it."""
    folder = workspace(str(run.pk))
    try:
        return Workspace(folder).entries()[: MOST + 1] if folder.is_dir() else []
    except (ToolError, OSError):
        return []
