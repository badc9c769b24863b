"""A person asks the agent something before deciding; the action stays held until they do."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict, InvalidInput

from ..models import ApprovalRequest, Inquiry
from ..subjects import subject_of
from .deciding import already, check_words, name_of
from .settling import By, Status, Verb, Via, announce, locked, settle

MAX_QUESTION = 2_000


def ask(actor: Actor, request_id: UUID | str, *, question: str) -> Inquiry:
    """The answer comes as words, into the inquiry. A countdown is held: it must not end while the answer is awaited.

    Raises ApprovalRequest.DoesNotExist, NotAllowed, InvalidInput, and Conflict while an earlier question is open.
    """
    found = ApprovalRequest.objects.visible_to(actor).get(pk=request_id)
    actor.require(Right.DECIDE, found.team_id)
    question = check_words(question, "question")
    if not question:
        raise InvalidInput(_("Write what you want to know."), "question")
    if len(question) > MAX_QUESTION:
        raise InvalidInput(
            _("This has %(count)s characters; at most %(most)s are allowed.")
            % {"count": f"{len(question):,}", "most": f"{MAX_QUESTION:,}"},
            "question",
        )
    with transaction.atomic():
        request = locked(found)
        if request.status != Status.PENDING:
            raise already(request)
        if request.wants != ApprovalRequest.Wants.DECISION:
            raise InvalidInput(
                _("The agent asks a question here: answer it, or reject it without an answer."), "question"
            )
        if request.inquiries.filter(answered_at=None).exists():
            raise Conflict(_("The agent has not answered the question before yet. Wait for it, or decide."))
        if request.decide_at is not None or request.frozen_for is not None:
            settle(request, Verb.HOLD, By(Via.PAGE, actor.user, name_of(actor)), reason="Asked the agent a question.")
        inquiry = Inquiry.objects.create(
            request=request, question=question, asked_by=actor.user, asked_by_name=name_of(actor)
        )
        subject_of(request).on_asked(inquiry)
        announce(request.team_id, [request.pk])
    return inquiry


def answer_inquiry(inquiry_id: int, answer: str, problem: str = "") -> None:
    """What the agent said, or why it said nothing. In the caller's transaction; only the first answer counts."""
    mine = Inquiry.objects.filter(pk=inquiry_id, answered_at=None)
    if mine.update(answer=answer, problem=problem if not answer else "", answered_at=Now()):
        request = ApprovalRequest.objects.get(inquiries=inquiry_id)
        announce(request.team_id, [request.pk])
