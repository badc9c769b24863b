"""The one way an open request changes: locked, compared, recorded, carried out, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from agentops.core.errors import Conflict
from agentops.live.publish import team_changed

from ..models import ApprovalRequest, Decision
from ..subjects import Amendment, subject_of

Status, Via = ApprovalRequest.Status, ApprovalRequest.Via


class Verb(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    EDIT = "edit"
    ANSWER = "answer"
    DONE = "done"
    HOLD = "hold"
    TAKE_BACK = "take_back"
    EXPIRE = "expire"
    CANCEL = "cancel"


BECOMES = {
    Verb.APPROVE: Status.APPROVED,
    Verb.REJECT: Status.REJECTED,
    Verb.EDIT: Status.APPROVED,
    Verb.ANSWER: Status.ANSWERED,
    Verb.DONE: Status.DONE,
    Verb.HOLD: Status.PENDING,
    Verb.TAKE_BACK: Status.PENDING,
    Verb.EXPIRE: Status.EXPIRED,
    Verb.CANCEL: Status.CANCELLED,
}
"""pending → what each verb makes of it; no verb leaves any other status, but for a take-back of what is approved."""


@dataclass(frozen=True, slots=True)
class By:
    """Who or what acts. No user: a timer, or the system on behalf of the subject."""

    via: str
    user: AbstractBaseUser | None = None
    name: str = ""


def locked(found: ApprovalRequest) -> ApprovalRequest:
    """The request as it is now, under both locks, the subject's first. `clock` is the database's time."""
    subject_of(found).lock(found.subject_id)
    return ApprovalRequest.objects.select_for_update().annotate(clock=Now()).get(pk=found.pk)


def settle(
    request: ApprovalRequest,
    verb: Verb,
    by: By,
    *,
    reason: str = "",
    outcome: str = "",
    amendment: Amendment | None = None,
) -> Decision:
    """Record `verb` on a request that the caller holds locked; only where it still may be done. Tells nobody."""
    before = _content(request)
    changes: dict[str, Any] = {"revision": F("revision") + 1, "decide_at": None, "frozen_for": None}
    possible = ApprovalRequest.objects.filter(pk=request.pk, revision=request.revision)
    if verb is Verb.TAKE_BACK:
        possible = possible.filter(status=Status.APPROVED, takes_effect_at__gt=Now())
        changes |= {**UNDECIDED, **_original(request)}
    else:
        possible = possible.pending()
    if verb is Verb.HOLD:
        changes["on_deadline"] = ""
    elif verb is not Verb.TAKE_BACK:
        changes |= {
            "status": BECOMES[verb],
            "decided_at": Now(),
            "decided_by": by.user,
            "decided_by_name": by.name,
            "decided_via": by.via,
            "decision_reason": reason,
            "outcome": outcome,
            **(asdict(amendment) if amendment else {}),
        }
        if by.user is not None and BECOMES[verb] == Status.APPROVED and settings.AGENTOPS_GRACE_SECONDS:
            changes["takes_effect_at"] = Now() + timedelta(seconds=settings.AGENTOPS_GRACE_SECONDS)
    if possible.update(**changes) != 1:
        raise Conflict(_("The request changed in the same moment; nothing was done. Look at it again."))
    request.refresh_from_db(fields=list(changes))
    return Decision.objects.create(
        request=request,
        revision=request.revision,
        decision=verb.value,
        by=by.user,
        by_name=by.name,
        via=by.via,
        reason=reason,
        details={"before": before} if amendment else {},
    )


UNDECIDED: dict[str, Any] = {
    "status": Status.PENDING,
    "on_deadline": "",
    "takes_effect_at": None,
    "decided_at": None,
    "decided_by": None,
    "decided_by_name": "",
    "decided_via": "",
    "decision_reason": "",
}


def _content(request: ApprovalRequest) -> dict[str, Any]:
    return {"arguments": request.arguments, "effect": request.effect, "bound_hash": request.bound_hash}


def _original(request: ApprovalRequest) -> dict[str, Any]:
    """What the request said before the approval that is taken back changed it."""
    last: dict[str, Any] = request.history.latest("revision").details
    return last.get("before", {})  # type: ignore[no-any-return]


def carry_out(
    request: ApprovalRequest,
    verb: Verb,
    by: By,
    *,
    reason: str = "",
    outcome: str = "",
    amendment: Amendment | None = None,
) -> None:
    """Settle it and tell its subject, which may refuse: then nothing of this happens. Who watches hears of it last."""
    decision = settle(request, verb, by, reason=reason, outcome=outcome, amendment=amendment)
    subject_of(request).on_decided(request, decision)
    announce(request.team_id, [request.pk])


def announce(team_id: int, ids: Iterable[UUID]) -> None:
    """After the commit, tell who watches the team's queue."""
    names = [str(pk) for pk in ids]
    if names:
        transaction.on_commit(partial(team_changed, team_id, "approvals", names))
