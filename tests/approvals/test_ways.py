"""The ways between yes and no, as the queue knows them: edit, answer, ask, claim, several at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from agentops.accounts.access import Actor
from agentops.accounts.models import Role, Team
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from agentops.core.tools import Tier
from approvals.actions import ask, claim, decide, decide_many, open_request, unclaim
from approvals.actions.claiming import CLAIM_LASTS
from approvals.errors import AlreadyDecided
from approvals.models import ApprovalRequest
from approvals.policy import QUESTION

from . import factories as make
from .factories import Subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours() -> Team:
    return make.team()


@pytest.fixture
def approver(ours: Team) -> Actor:
    return make.person(Role.APPROVER, of=ours)


def question(team: Any) -> ApprovalRequest:
    return open_request(
        team_id=team.pk,
        verdict=QUESTION,
        tool="ask_human",
        arguments={"question": "Which?"},
        effect="Which?",
        bound_hash="0" * 64,
        subject_kind=make.KIND,
        subject_id="question",
        context={},
        agent="support",
        tainted_by="",
        wants="answer",
    )


def say(actor: Any, asked: ApprovalRequest, decision: str, **more: Any) -> ApprovalRequest:
    return decide(actor, asked.pk, decision=decision, revision=asked.revision, via="page", **more)


def test_an_edit_is_an_approval_of_what_it_says_now(subject: Subject, ours: Any, approver: Any) -> None:
    asked = make.request(ours)
    done = say(approver, asked, "edit", arguments={"to": "bob@example.com"})
    assert (done.status, done.arguments, done.effect) == (
        "approved",
        {"to": "bob@example.com"},
        "Send a mail to bob@example.com",
    )
    before = done.history.get().details["before"]
    assert (before["arguments"], before["effect"]) == ({"to": "ada@example.com"}, "Send a mail to ada@example.com")
    assert subject.told == [(asked.subject_id, "edit", "approved")]


@pytest.mark.parametrize(
    ("decision", "more", "field"),
    [
        ("edit", {}, "arguments"),
        ("edit", {"arguments": {"from": "x"}}, "arguments"),
        ("approve", {"arguments": {"to": "x"}}, "arguments"),
        ("answer", {}, "answer"),
        ("answer", {"answer": "x" * 4001}, "answer"),
        ("approve", {"answer": "Yes"}, "answer"),
        ("take_back", {}, "decision"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(
    subject: Subject, ours: Any, approver: Any, decision: str, more: dict[str, Any], field: str
) -> None:
    asked = make.request(ours)
    with pytest.raises(InvalidInput) as refused:
        say(approver, asked, decision, **more)
    assert refused.value.field == field
    asked.refresh_from_db()
    assert (asked.status, subject.told) == ("pending", [])


def test_a_question_is_answered_or_turned_down_and_nothing_else(subject: Subject, ours: Any, approver: Any) -> None:
    asked = question(ours)
    for decision in ("approve", "hold"):
        with pytest.raises(InvalidInput, match="asks a question"):
            say(approver, asked, decision)
    done = say(approver, asked, "answer", answer="The blue one.")
    assert (done.status, done.outcome) == ("answered", "The blue one.")


def test_an_operator_answers_questions_and_decides_nothing_else(subject: Subject, ours: Any) -> None:
    operator = make.person(Role.OPERATOR, of=ours)
    with pytest.raises(NotAllowed):
        say(operator, make.request(ours), "approve")
    assert say(operator, question(ours), "answer", answer="Blue.").status == "answered"


def test_a_question_to_the_agent_holds_the_countdown(subject: Subject, ours: Any, approver: Any) -> None:
    asked = make.request(ours, Tier.MEDIUM)
    ask(approver, asked.pk, question="Why now?")
    asked.refresh_from_db()
    assert (asked.status, asked.decide_at, asked.on_deadline) == ("pending", None, "")
    assert (subject.asked, [entry.decision for entry in asked.history.all()]) == (["Why now?"], ["hold"])


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001, "hidden \u202e text"])
def test_a_question_that_says_nothing_or_hides_something_is_refused(
    subject: Subject, ours: Any, approver: Any, text: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(approver, make.request(ours).pk, question=text)
    assert (refused.value.field, subject.asked) == ("question", [])


def test_nobody_asks_about_what_is_decided(subject: Subject, ours: Any, approver: Any) -> None:
    asked = make.request(ours)
    say(approver, asked, "approve")
    with pytest.raises(AlreadyDecided):
        ask(approver, asked.pk, question="Why?")


def test_a_claim_tells_the_others_and_ends_by_itself(subject: Subject, ours: Any, approver: Any) -> None:
    asked, other = make.request(ours), make.person(Role.APPROVER, of=ours)
    assert claim(approver, asked.pk).claimed_by_name == str(approver)
    with pytest.raises(Conflict, match="is looking at it"):
        claim(other, asked.pk)
    ApprovalRequest.objects.filter(pk=asked.pk).update(claimed_at=Now() - CLAIM_LASTS - timedelta(seconds=1))
    assert claim(other, asked.pk).claimed_by_name == str(other)


def test_only_ones_own_claim_is_given_up(subject: Subject, ours: Any, approver: Any) -> None:
    asked, other = make.request(ours), make.person(Role.APPROVER, of=ours)
    claim(approver, asked.pk)
    assert unclaim(other, asked.pk).claimed_by_name == str(approver)
    assert unclaim(approver, asked.pk).claimed_by_name == ""


def test_a_claim_keeps_nobody_from_deciding(subject: Subject, ours: Any, approver: Any) -> None:
    asked, other = make.request(ours), make.person(Role.APPROVER, of=ours)
    claim(approver, asked.pk)
    assert say(other, asked, "approve").status == "approved"
    with pytest.raises(Conflict, match="waits for nobody"):
        claim(approver, asked.pk)


def test_several_are_decided_each_with_its_own_outcome(subject: Subject, ours: Any, approver: Any) -> None:
    first, second, critical = make.request(ours), make.request(ours), make.request(ours, Tier.CRITICAL)
    gone = make.request(ours)
    say(approver, gone, "reject")
    foreign = make.request(make.team())
    asked = question(ours)
    items = [(one.pk, 1) for one in (first, second, critical, gone, foreign, asked)]
    outcomes = decide_many(approver, items, decision="approve", via="page")
    assert [outcome.ok for outcome in outcomes] == [True, True, False, False, False, False]
    assert "was first" in outcomes[3].said
    assert "no such request" in outcomes[4].said
    critical.refresh_from_db()
    assert critical.status == "pending"


@pytest.mark.parametrize(("decision", "field"), [("done", "decision"), ("edit", "decision"), ("yes", "decision")])
def test_several_are_never_decided_by_a_verb_that_needs_a_look(
    subject: Subject, ours: Any, approver: Any, decision: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        decide_many(approver, [(make.request(ours).pk, 1)], decision=decision, via="page")
    assert refused.value.field == field


def test_none_and_too_many_are_refused(subject: Subject, ours: Any, approver: Any) -> None:
    for items in ([], [("x", 1)] * 201):
        with pytest.raises(InvalidInput) as refused:
            decide_many(approver, items, decision="approve", via="page")
        assert refused.value.field == "items"
