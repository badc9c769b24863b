"""What a person decides, by page or REST. Who is second learns who was first, when, and with what."""

from __future__ import annotations

import re
from uuid import UUID

from django.db import transaction

from agentops.accounts.access import Actor, Right
from agentops.core.errors import InvalidInput
from agentops.core.tools import Tier

from ..errors import AlreadyDecided
from ..models import ApprovalRequest
from .settling import By, Status, Verb, Via, carry_out, locked
from .timers import TOO_LATE

PEOPLE_MAY = (Verb.APPROVE, Verb.REJECT, Verb.DONE, Verb.HOLD)
MAX_TEXT = 4_000

# Control characters but for line ends and tabs, halves of surrogate pairs, and what reorders text.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def decide(
    actor: Actor,
    request_id: UUID | str,
    *,
    decision: str,
    revision: int,
    reason: str = "",
    outcome: str = "",
    via: str,
) -> ApprovalRequest:
    """Decide a request as it was at `revision`: `approve`, `reject`, `done` (critical, with its `outcome`),
    or `hold` (stop its countdown and decide later).

    Raises ApprovalRequest.DoesNotExist when the actor may not see it, NotAllowed, InvalidInput,
    AlreadyDecided, and whatever Conflict its subject raises when what would happen is not what was shown.
    """
    found = ApprovalRequest.objects.visible_to(actor).get(pk=request_id)
    actor.require(Right.DECIDE, found.team_id)
    verb = _verb(decision)
    reason, outcome = _text(reason, "reason"), _text(outcome, "outcome")
    by = By(via=_via(via), user=actor.user, name=_name(actor))
    with transaction.atomic():
        request = locked(found)
        expired = request.status == Status.PENDING and _is_too_late(request)
        if expired:
            carry_out(request, Verb.EXPIRE, By(Via.TIMER), reason=TOO_LATE)
        else:
            _check(request, verb, revision, outcome)
            carry_out(request, verb, by, reason=reason, outcome=outcome)
    if expired:
        raise _already(request)
    return request


def _verb(decision: str) -> Verb:
    """An allow-list: whatever it does not name is refused, never taken for a yes."""
    if decision not in PEOPLE_MAY:
        raise InvalidInput(f"A decision is one of {', '.join(PEOPLE_MAY)}.", "decision")
    return Verb(decision)


def _via(via: str) -> str:
    if via not in (Via.PAGE, Via.API):
        raise ValueError(f"A person decides through a page or the API, not {via}.")
    return via


def _text(text: str, field: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"This has {len(text):,} characters; at most {MAX_TEXT:,} are allowed.", field)
    if hidden := _HIDDEN.search(text):
        raise InvalidInput(f"Remove its hidden character U+{ord(hidden.group()):04X}.", field)
    return text


def _check(request: ApprovalRequest, verb: Verb, revision: int, outcome: str) -> None:
    if request.status != Status.PENDING:
        raise _already(request)
    if revision != request.revision:
        raise _changed(request, revision)
    critical = request.tier == Tier.CRITICAL
    if verb is Verb.APPROVE and critical:
        raise InvalidInput(
            "A critical action is never executed by the agent: do it outside, then report the outcome with `done`.",
            "decision",
        )
    if verb is Verb.DONE and not critical:
        raise InvalidInput(
            f"Only a critical action is done by a person; approve or reject this {request.tier} one.",
            "decision",
        )
    if verb is Verb.DONE and not outcome:
        raise InvalidInput("Say what you did and what came of it: the agent goes on from this.", "outcome")
    if outcome and verb is not Verb.DONE:
        raise InvalidInput(f"An outcome goes with done, not with {verb}.", "outcome")
    if verb is Verb.HOLD and request.decide_at is None and request.frozen_for is None:
        raise InvalidInput("There is no countdown to hold: it waits for a decision anyway.", "decision")


def _is_too_late(request: ApprovalRequest) -> bool:
    """Past the deadline of a request that expires, though the sweep has not come by yet."""
    deadline = request.decide_at
    return request.on_deadline == Verb.EXPIRE and deadline is not None and deadline <= request.clock


def _already(request: ApprovalRequest) -> AlreadyDecided:
    who = request.decided_by_name or f"the {request.get_decided_via_display()}"
    decision = request.history.latest("revision").decision
    return AlreadyDecided(
        f"Nothing was changed: {who} was first ({decision}, {request.decided_at:%Y-%m-%d %H:%M:%S} UTC).",
        decided_by=who,
        decided_at=request.decided_at,
        decision=decision,
    )


def _changed(request: ApprovalRequest, revision: int) -> AlreadyDecided | InvalidInput:
    last = request.history.order_by("-revision").first()
    if last is None or revision > request.revision:
        return InvalidInput(f"There is no revision {revision}; it is now {request.revision}.", "revision")
    who = last.by_name or f"the {last.get_via_display()}"
    return AlreadyDecided(
        f"It changed since you looked ({last.decision} by {who}): look again. Its revision is now {request.revision}.",
        decided_by=who,
        decided_at=last.at,
        decision=last.decision,
    )


def _name(actor: Actor) -> str:
    name: str = actor.user.get_full_name() or actor.user.get_username()
    return name[:150]
