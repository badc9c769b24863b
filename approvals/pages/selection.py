"""Deciding several requests at once: first what that would do, in words, then what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agentops.core.errors import AgentOpsError, InvalidInput
from agentops.core.tools import Tier
from agentops.tools.escape import visible
from approvals import actions
from approvals.models import ApprovalRequest

from . import groups, inbox, presenting

MOST = 200
Picked = list[tuple[UUID, int]]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request. `row` is None when it is not there, or not this person's to see."""

    row: ApprovalRequest | None
    ok: bool
    said: str


@require_POST
def page(request: HttpRequest) -> HttpResponse:
    """Without a decision: the panel that asks. With one: the results, each request for itself."""
    picked = _picked(request)
    decision = request.POST.get("decision", "")
    if decision not in ("approve", "reject", "hold", "take_back"):
        return _show(request, {"panel": _panel(request, picked)})
    reason = request.POST.get("reason", "").strip()
    try:
        results = _decide(request, picked, decision, reason)
    except InvalidInput as error:
        return _show(request, {"panel": {**_panel(request, picked), "problem": str(error), "reason": reason}}, 422)
    taken = [one for one in results if one.ok]
    until = max((one.row.takes_effect_at for one in taken if one.row and one.row.takes_effect_at), default=None)
    outcome = {
        "results": results,
        "decision": decision,
        "taken": len(taken),
        "refused": len(results) - len(taken),
        "until": until if decision == "approve" else None,
        "picked": ",".join(f"{one.row.pk}:{one.row.revision}" for one in taken if one.row),
    }
    return _show(request, {"outcome": outcome})


def _decide(request: HttpRequest, picked: Picked, decision: str, reason: str) -> list[Result]:
    if decision == "take_back":
        results = [_take_back(request, *one) for one in picked]
    else:
        done = actions.decide_many(
            request.actor, picked, decision=decision, reason=reason, via=ApprovalRequest.Via.PAGE
        )
        results = [Result(one.request, one.ok, one.said) for one in done]
    missing = [str(pk) for (pk, _revision), one in zip(picked, results, strict=True) if one.row is None]
    found = {row.pk: row for row in _rows(request, [pk for pk, _revision in picked])} if missing else {}
    return [
        one if one.row else Result(found.get(pk), one.ok, one.said)
        for (pk, _revision), one in zip(picked, results, strict=True)
    ]


def _take_back(request: HttpRequest, pk: UUID, revision: int) -> Result:
    try:
        row = actions.decide(request.actor, pk, decision="take_back", revision=revision, via=ApprovalRequest.Via.PAGE)
    except ApprovalRequest.DoesNotExist:
        return Result(None, False, _("It is not there any more."))
    except AgentOpsError as error:
        return Result(None, False, visible(str(error)))
    return Result(row, True, _("It waits again."))


def _panel(request: HttpRequest, picked: Picked) -> dict[str, object]:
    rows = _rows(request, [pk for pk, _revision in picked])
    groups.compare(rows)
    revisions = dict(picked)
    taken, refused = [], []
    for row in rows:
        row.why_not = _why_not(request, row)  # type: ignore[attr-defined]
        (refused if row.why_not else taken).append(row)  # type: ignore[attr-defined]
    return {
        "taken": taken,
        "picked": ",".join(f"{row.pk}:{revisions[row.pk]}" for row in taken),
        "refused": refused,
        "worst": max(taken, key=lambda row: (Tier(row.tier).rank, len(row.differs)), default=None),
        "can_hold": any(row.decide_at for row in taken),
        "reasons": presenting.PRESET_REASONS,
        "gone": len(picked) - len(rows),
    }


def _why_not(request: HttpRequest, row: ApprovalRequest) -> str:
    if row.status != ApprovalRequest.Status.PENDING:
        return _("already decided by %(by)s") % {"by": presenting.who(row.decided_by_name, row.decided_via)}
    if row.tier == Tier.CRITICAL:
        return _("critical: never in a group")
    if row.wants == ApprovalRequest.Wants.ANSWER:
        return _("a question wants an answer")
    return "" if presenting.may_decide(row, request.actor) else _("you may not decide for this team")


def _rows(request: HttpRequest, ids: list[UUID]) -> list[ApprovalRequest]:
    return list(ApprovalRequest.objects.visible_to(request.actor).filter(pk__in=ids).by_consequence())


def _picked(request: HttpRequest) -> Picked:
    """`pick=<id>:<revision>`, many of them or many in one; each request once."""
    picked: dict[UUID, int] = {}
    for text in ",".join(request.POST.getlist("pick")).split(",")[:MOST]:
        pk, _colon, revision = text.partition(":")
        known = inbox.uuid_or_none(pk)
        if known and revision.isascii() and revision.isdigit():
            picked[known] = int(revision[:9])
    return list(picked.items())


def _show(request: HttpRequest, context: dict[str, object], status: int = 200) -> HttpResponse:
    if request.htmx:
        return render(request, "approvals/_selection.html", context, status=status)
    return render(
        request, "approvals/inbox.html", inbox.context(request, None) | {"opened": True} | context, status=status
    )
