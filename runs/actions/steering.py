"""A person steers a run: says something to it, raises a limit, lets a failed one go on, answers its question."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict, InvalidInput
from agentops.core.states import LIMIT_REASONS, CallStatus, RunStatus, StopReason, check_run
from approvals.actions import decide
from approvals.models import ApprovalRequest

from .. import children, subject
from ..compacting import CONVERSING
from ..loading import asks_person
from ..models import Run, RunMessage, Step, ToolCall
from ..wake import hint_on_commit
from .control import Events, control
from .starting import LIMITS, check_text, number_words

MAX_MESSAGE = 20_000
MOST_UNREAD = 20

NAMES = {
    "max_steps": "steps",
    "max_tool_calls": "tool calls",
    "max_tokens": "tokens",
    "max_cost_usd": "cost in USD",
    "max_seconds": "working seconds",
}
LIMIT_OF = {reason: "max_cost_usd" if reason is StopReason.MAX_COST else reason.value for reason in LIMIT_REASONS}


def send_message(actor: Actor, run_id: UUID | str, text: str) -> RunMessage:
    """The next step that opens reads it; an answer that the agent is just giving does not end the run before.

    Raises InvalidInput, NotAllowed, and Conflict when the run has ended or too much is unread.
    """
    text = check_text(text, "text", MAX_MESSAGE).strip()
    if not text:
        raise InvalidInput(_("Write what the agent should know or do."), "text")
    sent: list[RunMessage] = []

    def send(run: Run) -> Events:
        if run.is_final:
            raise Conflict(
                _("The run has ended (%(status)s): nobody would read it.")
                % {"status": run.get_status_display().lower()}
            )
        if run.undoes_id is not None:
            raise Conflict(_("It takes actions back and asks no model: nobody would read it."))
        if run.unread >= MOST_UNREAD:
            raise Conflict(
                _("%(count)s messages are unread. Wait until the agent has read them.") % {"count": MOST_UNREAD}
            )
        sent.append(RunMessage.objects.create(run=run, text=text, by=actor.user, by_name=str(actor)[:150]))
        Run.objects.filter(pk=run.pk).update(unread=F("unread") + 1)
        return []

    control(actor, run_id, "sent a message", send, text)
    return sent[0]


def raise_limits(actor: Actor, run_id: UUID | str, limits: dict[str, Any]) -> Run:
    """Give a living run more: each of `limits` above its present one. A worker that holds it looks before it stops.

    More money than the agent's own limit is an admin's to give.
    """

    def change(run: Run) -> Events:
        if run.is_final:
            raise Conflict(_("The run has ended. If it stopped at a limit, let it go on with a higher one."))
        _raise(actor, run, limits)
        return []

    return control(actor, run_id, f"raised {_words(limits)}", change)


def continue_run(actor: Actor, run_id: UUID | str, limits: dict[str, Any] | None = None) -> Run:
    """Let a failed run go on from its last step: with raised `limits` where it stopped at one, else for another try.

    What was cancelled at its end stays cancelled, and the agent is told.
    """
    given = limits or {}
    more = f" with {_words(given)}" if given else ""
    return control(actor, run_id, f"let it go on{more}", lambda run: _continue(actor, run, given))


def _continue(actor: Actor, run: Run, limits: dict[str, Any]) -> Events:
    if run.status != Run.Status.FAILED:
        raise Conflict(
            _("Only a failed run can be let go on; this one is %(status)s.")
            % {"status": run.get_status_display().lower()}
        )
    if run.version_id is None:
        raise Conflict(_("Its agent was deleted, so it cannot go on."))
    if run.parent_id is not None:
        raise Conflict(_("What it came to was told to the run above it, which goes on from that; start a run anew."))
    if run.held_usd:
        raise Conflict(_("What its last model call cost is still being settled. Try again in a minute."))
    if limits:
        _raise(actor, run, limits)
    reached = LIMIT_OF.get(StopReason(run.stop_reason))
    if reached and reached not in limits:
        raise InvalidInput(
            _("It stopped at its limit of %(value)s %(limit)s: raise it to let it go on.")
            % {"value": number_words(getattr(run, reached)), "limit": NAMES[reached]},
            f"limits.{reached}",
        )
    check_run(RunStatus(run.status), RunStatus.QUEUED)
    last = Step.objects.filter(run=run, kind__in=CONVERSING).order_by("-number").first()
    if last and last.status != Step.Status.ANSWERED:
        Step.objects.filter(pk=last.pk).update(status=Step.Status.CALLING, answered_at=None, error="", fence=run.fence)
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.QUEUED,
        wake_at=Now(),
        hinted_at=None,
        ended_at=None,
        stop_reason="",
        stop_detail="",
        answer="",
        answer_data=None,
        outcome="",
        outcome_detail="",
        recoveries=0,
    )
    hint_on_commit(run.pk)
    return [("run.changed", {"status": "queued", "waiting_on": ""})]


def answer_question(
    actor: Actor, run_id: UUID | str, text: str, call_id: int | None = None, *, via: str = ApprovalRequest.Via.PAGE
) -> ToolCall:
    """Answer what the agent asks a person; `call_id` says which question when there are several.

    Raises Run.DoesNotExist, NotAllowed, InvalidInput, and Conflict when it asks nothing (any more).
    """
    run = Run.objects.visible_to(actor).get(pk=run_id)
    text = check_text(text, "text", 4000)
    if not actor.can(Right.DECIDE, run.team_id):
        actor.require(Right.OPERATE, run.team_id)
    held = ToolCall.objects.filter(run=run, status=CallStatus.HELD)
    questions = [call for call in held if asks_person(call.tool) and call_id in (None, call.pk)]
    if not questions:
        raise Conflict(_("The agent asks nothing that waits for an answer."))
    if len(questions) > 1:
        numbers = ", ".join(str(call.pk) for call in questions)
        raise InvalidInput(
            _("It asks several things: say which call you answer (%(numbers)s).") % {"numbers": numbers}, "call"
        )
    call = questions[0]
    waiting = ApprovalRequest.objects.pending().filter(subject_kind=subject.KIND, subject_id=str(call.pk)).first()
    if waiting is None:
        raise Conflict(_("Somebody has just answered it."))
    try:
        decide(actor, waiting.pk, decision="answer", revision=waiting.revision, answer=text, via=via)
    except InvalidInput as error:
        raise InvalidInput(str(error), "text") from error
    call.refresh_from_db()
    return call


def _raise(actor: Actor, run: Run, limits: dict[str, Any]) -> None:
    if not limits:
        raise InvalidInput(_("Say which limit to raise: %(limits)s.") % {"limits": ", ".join(LIMITS)}, "limits")
    values = {name: _higher(run, name, value) for name, value in limits.items()}
    cost = values.get("max_cost_usd")
    if cost is not None and run.version is not None and cost > run.version.max_cost_usd:
        actor.require(Right.ADMINISTER, run.team_id)
    if run.parent_id is not None:
        _check_lent(run, values)
    Run.objects.filter(pk=run.pk).update(**values)


def _check_lent(run: Run, values: dict[str, Any]) -> None:
    """What a run has comes out of what the run above it has left; both are locked."""
    room = children.left(Run.objects.get(pk=run.parent_id))
    for name, left in (
        ("max_cost_usd", room.cost_usd),
        ("max_tokens", room.tokens),
        ("max_tool_calls", room.tool_calls),
    ):
        if name in values and values[name] - getattr(run, name) > left:
            raise InvalidInput(
                _("The run above it has %(left)s %(limit)s left to give; raise its limit first.")
                % {"left": number_words(left), "limit": NAMES[name]},
                f"limits.{name}",
            )


def _higher(run: Run, name: str, asked: Any) -> int | Decimal:
    if name not in LIMITS:
        raise InvalidInput(
            _("There is no limit “%(name)s”; there are %(limits)s.") % {"name": name[:60], "limits": ", ".join(LIMITS)},
            f"limits.{name[:60]}",
        )
    now = getattr(run, name)
    try:
        if isinstance(asked, bool):
            raise ValueError(asked)
        value = Decimal(str(asked)) if name == "max_cost_usd" else int(asked)
        if not now < value <= LIMITS[name]:
            raise ValueError(asked)
    except (ValueError, TypeError, InvalidOperation, OverflowError) as error:
        raise InvalidInput(
            _("The limit is %(now)s now; give a number above that and at most %(most)s.")
            % {"now": number_words(now), "most": f"{LIMITS[name]:,}"},
            f"limits.{name}",
        ) from error
    return value


def _words(limits: dict[str, Any]) -> str:
    return ", ".join(f"{NAMES.get(name, name)[:60]} to {str(value)[:30]}" for name, value in limits.items())
