"""What a person decides, by page or REST. Who is second learns who was first, when, and with what."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import InvalidInput
from agentops.core.tools import Tier

from ..errors import AlreadyDecided
from ..models import ApprovalRequest
from ..subjects import subject_of
from .settling import By, Status, Verb, Via, carry_out, locked
from .timers import TOO_LATE

Wants = ApprovalRequest.Wants
PEOPLE_MAY = (Verb.APPROVE, Verb.REJECT, Verb.EDIT, Verb.ANSWER, Verb.DONE, Verb.HOLD, Verb.TAKE_BACK)
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
    answer: str = "",
    arguments: dict[str, Any] | None = None,
    via: str,
) -> ApprovalRequest:
    """Decide a request as it was at `revision`: `approve`, `reject`, `edit` (approve it with other `arguments`),
    `answer` (in the tool's place), `done` (critical, with its `outcome`), `hold` (stop its countdown and decide later)
    or `take_back` (what a person approved, before it takes effect).

    Raises ApprovalRequest.DoesNotExist when the actor may not see it, NotAllowed, InvalidInput,
    AlreadyDecided, and whatever Conflict its subject raises when what would happen is not what was shown.
    """
    found = ApprovalRequest.objects.visible_to(actor).get(pk=request_id)
    require_say(actor, found)
    verb = _verb(decision)
    reason, outcome, answer = (
        check_words(reason, "reason"),
        check_words(outcome, "outcome"),
        check_words(answer, "answer"),
    )
    by = By(via=_via(via), user=actor.user, name=name_of(actor))
    with transaction.atomic():
        request = locked(found)
        expired = request.status == Status.PENDING and _is_too_late(request)
        if expired:
            carry_out(request, Verb.EXPIRE, By(Via.TIMER), reason=TOO_LATE)
        else:
            _check_open(request, verb, revision)
            _check_fits(request, verb, outcome=outcome, answer=answer, arguments=arguments)
            amendment = None
            if verb is Verb.EDIT and arguments is not None:
                amendment = subject_of(request).amend(request, arguments)
            carry_out(request, verb, by, reason=reason, outcome=outcome or answer, amendment=amendment)
    if expired:
        raise already(request)
    return request


def require_say(actor: Actor, request: ApprovalRequest) -> None:
    """Who works with an agent may answer its questions; deciding about actions takes the right to decide."""
    if request.wants == Wants.ANSWER and actor.can(Right.OPERATE, request.team_id):
        return
    actor.require(Right.DECIDE, request.team_id)


def _verb(decision: str) -> Verb:
    """An allow-list: whatever it does not name is refused, never taken for a yes."""
    if decision not in PEOPLE_MAY:
        raise InvalidInput(_("A decision is one of %(decisions)s.") % {"decisions": ", ".join(PEOPLE_MAY)}, "decision")
    return Verb(decision)


def _via(via: str) -> str:
    if via not in (Via.PAGE, Via.API):
        raise ValueError(f"A person decides through a page or the API, not {via}.")
    return via


def check_words(text: str, field: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > MAX_TEXT:
        raise InvalidInput(
            _("This has %(count)s characters; at most %(most)s are allowed.")
            % {"count": f"{len(text):,}", "most": f"{MAX_TEXT:,}"},
            field,
        )
    if hidden := _HIDDEN.search(text):
        raise InvalidInput(
            _("Remove its hidden character U+%(number)s.") % {"number": f"{ord(hidden.group()):04X}"}, field
        )
    return text


def _check_open(request: ApprovalRequest, verb: Verb, revision: int) -> None:
    """Raises AlreadyDecided or InvalidInput unless it can be decided, and by who saw it as it is."""
    if verb is Verb.TAKE_BACK:
        if request.status != Status.APPROVED or request.takes_effect_at is None:
            raise InvalidInput(_("Only what a person has just approved can be taken back."), "decision")
        if request.takes_effect_at <= request.clock:
            raise already(request, _("It is too late to take it back"))
    elif request.status != Status.PENDING:
        raise already(request)
    if revision != request.revision:
        raise _changed(request, revision)


def _check_fits(
    request: ApprovalRequest, verb: Verb, *, outcome: str, answer: str, arguments: dict[str, Any] | None
) -> None:
    """Raises InvalidInput unless this decision suits this request and brings what it needs."""
    critical = request.tier == Tier.CRITICAL
    if request.wants == Wants.ANSWER and verb not in (Verb.ANSWER, Verb.REJECT):
        raise InvalidInput(_("The agent asks a question: answer it, or reject it without an answer."), "decision")
    if critical and verb in (Verb.APPROVE, Verb.EDIT, Verb.ANSWER):
        raise InvalidInput(
            _("A critical action is never executed by the agent: do it outside, then report the outcome with `done`."),
            "decision",
        )
    if verb is Verb.DONE and not critical:
        raise InvalidInput(
            _("Only a critical action is done by a person; approve or reject this %(tier)s one.")
            % {"tier": request.tier},
            "decision",
        )
    if verb is Verb.DONE and not outcome:
        raise InvalidInput(_("Say what you did and what came of it: the agent goes on from this."), "outcome")
    if outcome and verb is not Verb.DONE:
        raise InvalidInput(_("An outcome goes with done, not with %(verb)s.") % {"verb": verb}, "outcome")
    if verb is Verb.ANSWER and not answer:
        raise InvalidInput(_("Write the answer: the agent goes on from it."), "answer")
    if answer and verb is not Verb.ANSWER:
        raise InvalidInput(_("An answer goes with answer, not with %(verb)s.") % {"verb": verb}, "answer")
    if verb is Verb.EDIT and arguments is None:
        raise InvalidInput(_("Give the arguments as they should be, all of them."), "arguments")
    if arguments is not None and verb is not Verb.EDIT:
        raise InvalidInput(_("Arguments go with edit, not with %(verb)s.") % {"verb": verb}, "arguments")
    if verb is Verb.HOLD and request.decide_at is None and request.frozen_for is None:
        raise InvalidInput(_("There is no countdown to hold: it waits for a decision anyway."), "decision")


def _is_too_late(request: ApprovalRequest) -> bool:
    """Past the deadline of a request that expires, though the sweep has not come by yet."""
    deadline = request.decide_at
    return request.on_deadline == Verb.EXPIRE and deadline is not None and deadline <= request.clock


def already(request: ApprovalRequest, what: str = "") -> AlreadyDecided:
    who = request.decided_by_name or _("the %(via)s") % {"via": request.get_decided_via_display()}
    decision = request.history.latest("revision").decision
    return AlreadyDecided(
        _("%(what)s: %(who)s was first (%(decision)s, %(time)s UTC).")
        % {
            "what": what or _("Nothing was changed"),
            "who": who,
            "decision": decision,
            "time": f"{request.decided_at:%Y-%m-%d %H:%M:%S}",
        },
        decided_by=who,
        decided_at=request.decided_at,
        decision=decision,
    )


def _changed(request: ApprovalRequest, revision: int) -> AlreadyDecided | InvalidInput:
    last = request.history.order_by("-revision").first()
    if last is None or revision > request.revision:
        return InvalidInput(
            _("There is no revision %(given)s; it is now %(now)s.") % {"given": revision, "now": request.revision},
            "revision",
        )
    who = last.by_name or _("the %(via)s") % {"via": last.get_via_display()}
    return AlreadyDecided(
        _("It changed since you looked (%(decision)s by %(who)s): look again. Its revision is now %(revision)s.")
        % {"decision": last.decision, "who": who, "revision": request.revision},
        decided_by=who,
        decided_at=last.at,
        decision=last.decision,
    )


def name_of(actor: Actor) -> str:
    name: str = actor.user.get_full_name() or actor.user.get_username()
    return name[:150]
