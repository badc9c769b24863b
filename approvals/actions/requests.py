"""What a subject does with its requests, in its own transaction and lock: open, close, freeze."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import Greatest, Now

from agentops.core.tools import Tier

from ..models import ApprovalRequest
from ..policy import Verdict
from .settling import By, Verb, Via, announce, settle

LEAST_AFTER_FREEZE = timedelta(seconds=10)
"""A countdown that had nearly ended when its run was paused shows itself this long before it fires."""


def open_request(
    *,
    team_id: int,
    verdict: Verdict,
    tool: str,
    arguments: dict[str, Any],
    effect: str,
    bound_hash: str,
    subject_kind: str,
    subject_id: str,
    context: dict[str, Any],
    agent: str,
    tainted_by: str,
    wants: str = ApprovalRequest.Wants.DECISION,
    input_schema: dict[str, Any] | None = None,
) -> ApprovalRequest:
    """A snapshot of exactly what would happen, waiting for a decision. Its countdown starts now."""
    if verdict.tier is Tier.LOW and wants == ApprovalRequest.Wants.DECISION:
        raise ValueError(f"{tool} is low: it needs no approval.")
    request = ApprovalRequest.objects.create(
        team_id=team_id,
        wants=wants,
        input_schema=input_schema,
        tier=verdict.tier.value,
        tool=tool,
        arguments=arguments,
        effect=effect,
        bound_hash=bound_hash,
        policy_version_id=verdict.policy_version_id,
        rule=verdict.rule,
        rule_error=verdict.rule_error,
        reason=verdict.reason,
        tainted_by=tainted_by[:300],
        subject_kind=subject_kind,
        subject_id=subject_id,
        context=context,
        agent=agent,
        decide_at=Now() + timedelta(seconds=verdict.timer_seconds) if verdict.timer_seconds else None,
        on_deadline=verdict.on_deadline,
    )
    if verdict.timer_seconds:
        request.refresh_from_db(fields=["decide_at"])
    announce(team_id, [request.pk])
    return request


def close_requests(subject_kind: str, subject_ids: Iterable[str], why: str) -> int:
    """Cancel what is still pending, because its subject needs no decision any more. How many there were."""
    closing = list(_pending(subject_kind, subject_ids).select_for_update().order_by("id"))
    for request in closing:
        settle(request, Verb.CANCEL, By(Via.SYSTEM), reason=why)
        announce(request.team_id, [request.pk])
    return len(closing)


def freeze(subject_kind: str, subject_ids: Iterable[str]) -> None:
    """Stop the countdowns and keep what is left of them. People may still decide."""
    left = ExpressionWrapper(F("decide_at") - Now(), output_field=DurationField())
    ticking = _pending(subject_kind, subject_ids).filter(decide_at__isnull=False)
    _change(ticking, frozen_for=left, decide_at=None)


def unfreeze(subject_kind: str, subject_ids: Iterable[str]) -> None:
    """Let the countdowns run on from where they stood."""
    left = Greatest(F("frozen_for"), Value(LEAST_AFTER_FREEZE), output_field=DurationField())
    frozen = _pending(subject_kind, subject_ids).filter(frozen_for__isnull=False)
    _change(frozen, decide_at=Now() + left, frozen_for=None)


def _pending(subject_kind: str, subject_ids: Iterable[str]) -> QuerySet[ApprovalRequest]:
    ids = [str(pk) for pk in subject_ids]
    return ApprovalRequest.objects.pending().filter(subject_kind=subject_kind, subject_id__in=ids)


def _change(requests: QuerySet[ApprovalRequest], **changes: Any) -> None:
    rows = list(requests.select_for_update().order_by("team_id", "id").values_list("team_id", "id"))
    ApprovalRequest.objects.filter(pk__in=[pk for _, pk in rows]).update(**changes)
    for team_id, group in groupby(rows, key=lambda row: row[0]):
        announce(team_id, [pk for _, pk in group])
