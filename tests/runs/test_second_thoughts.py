"""Between yes and no: an approval that is taken back, arguments that a person changes, a question before deciding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.db.utils import IntegrityError

from agentops.core.errors import Conflict, InvalidInput
from agentops.core.messages import text_of, user
from agentops.core.states import WaitingOn
from agentops.core.tools import Tier
from agentops.engine.interrupts import Wait
from agentops.engine.state import Asked
from agentops.tools.registry import registry
from approvals.actions import ask, decide
from approvals.models import ApprovalRequest, Decision, Inquiry
from runs import lease
from runs.actions import cancel_run
from runs.models import Run, Step, ToolCall
from tests.engine.doubles import CountingTool, says

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools of these tests, in the registry: an edit is checked by the tool."""
    for tool in make.TOOLS.tools.values():
        monkeypatch.setitem(registry._tools, tool.name, tool)


@pytest.fixture
def grace(settings: Any) -> None:
    settings.AGENTOPS_GRACE_SECONDS = 60


def waiting(take: Take, *tools: str) -> tuple[Run, list[Any]]:
    run = make.run()
    hand = take(run)
    hand.open()
    calls = hand.answer(make.answer(*(tools or ("refund",))))
    hand.leave(Wait(WaitingOn.APPROVAL))
    return run, calls


def say(run: Run, call: Any, decision: str, **more: Any) -> ApprovalRequest:
    request = make.request_of(call)
    return decide(make.admin(run.team), request.pk, decision=decision, revision=request.revision, via="page", **more)


def row(call: Any) -> ToolCall:
    return ToolCall.objects.get(pk=call.id)


# ── taking back ────────────────────────────────────────────────────────────────────────────────


def test_an_approved_action_waits_until_it_can_no_longer_be_taken_back(take: Take, grace: None) -> None:
    run, [call] = waiting(take)
    request = say(run, call, "approve")
    assert request.takes_effect_at is not None
    assert (row(call).status, row(call).dispatch_at) == ("approved", request.takes_effect_at)
    fresh = Run.objects.get(pk=run.pk)
    assert (fresh.wake_at, fresh.status) == (request.takes_effect_at, "waiting")
    Run.objects.filter(pk=run.pk).update(wake_at=Now())
    hand = take(run)
    hand.do(hand.recorder.start_calls(hand.state))
    assert row(call).status == "approved", "not before its time"
    assert hand.state.calls[0].due_in > 50


def test_what_was_taken_back_waits_for_a_decision_again(take: Take, grace: None) -> None:
    run, [call] = waiting(take)
    say(run, call, "approve")
    request = say(run, call, "take_back")
    assert (request.status, request.decided_by_name, request.takes_effect_at) == ("pending", "", None)
    assert (row(call).status, row(call).dispatch_at) == ("held", None)
    assert [entry.decision for entry in request.history.all()] == ["approve", "take_back"]
    say(run, call, "reject", reason="On second thoughts, no.")
    assert row(call).status == "rejected"


def test_a_countdown_that_was_approved_and_taken_back_does_not_run_on(take: Take, grace: None) -> None:
    run, [call] = waiting(take, "mail")
    say(run, call, "approve")
    request = say(run, call, "take_back")
    assert (request.decide_at, request.on_deadline) == (None, "")


def test_it_is_too_late_once_it_took_effect(take: Take, settings: Any, grace: None) -> None:
    run, [call] = waiting(take)
    say(run, call, "approve")
    ToolCall.objects.filter(pk=call.id).update(dispatch_at=Now())
    Run.objects.filter(pk=run.pk).update(wake_at=Now())
    hand = take(run)
    hand.do(hand.recorder.start_calls(hand.state))
    assert row(call).status == "executing"
    with pytest.raises(Conflict):
        say(run, call, "take_back")
    assert (row(call).status, make.request_of(call).status) == ("executing", "approved")


def test_a_start_and_a_take_back_at_once_agree_on_one(take: Take, grace: None) -> None:
    for _ in range(5):
        run, [call] = waiting(take)
        say(run, call, "approve")
        ToolCall.objects.filter(pk=call.id).update(dispatch_at=Now())
        Run.objects.filter(pk=run.pk).update(wake_at=Now())
        hand = take(run)
        make.at_once(
            lambda hand=hand: hand.do(hand.recorder.start_calls(hand.state)),
            lambda run=run, call=call: say(run, call, "take_back"),
        )
        assert (row(call).status, make.request_of(call).status) in [("executing", "approved"), ("held", "pending")]


@pytest.mark.parametrize("verb", ["reject", "approve"])
def test_without_grace_or_an_approval_there_is_nothing_to_take_back(take: Take, settings: Any, verb: str) -> None:
    settings.AGENTOPS_GRACE_SECONDS = 60 if verb == "reject" else 0
    run, [call] = waiting(take)
    say(run, call, verb)
    with pytest.raises(InvalidInput, match="can be taken back"):
        say(run, call, "take_back")


def test_the_database_keeps_what_was_decided_but_for_a_take_back_in_time(take: Take, settings: Any) -> None:
    run, [call] = waiting(take)
    say(run, call, "approve")
    request = make.request_of(call)
    for later in (None, Now() - timedelta(seconds=1)):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            ApprovalRequest.objects.filter(pk=request.pk).update(takes_effect_at=later)
            ApprovalRequest.objects.filter(pk=request.pk).update(status="pending", decided_at=None)


def test_a_run_cancelled_in_the_grace_time_does_nothing(take: Take, grace: None) -> None:
    run, [call] = waiting(take)
    say(run, call, "approve")
    cancel_run(make.admin(run.team), run.pk)
    assert row(call).status == "cancelled"


# ── other arguments ────────────────────────────────────────────────────────────────────────────


def test_a_person_changes_the_arguments_and_just_these_run(take: Take) -> None:
    run, [call] = waiting(take)
    request = say(run, call, "edit", arguments={"value": "half"}, reason="Half is due.")
    changed = row(call)
    assert (changed.arguments, changed.effect, changed.status) == ({"value": "half"}, "refund half", "approved")
    assert changed.raw_arguments == {"value": "refund"}
    assert (request.status, request.effect, request.bound_hash) == ("approved", "refund half", changed.bound_hash)
    last: Decision = request.history.latest("revision")
    assert last.details["before"]["arguments"] == {"value": "refund"}
    hand = take(run)
    hand.do(hand.recorder.start_calls(hand.state))
    [started] = hand.state.calls
    assert (started.status, started.arguments, started.edited_by) == ("executing", {"value": "half"}, last.by_name)


def test_what_a_person_changed_while_a_worker_held_the_run_is_what_starts(take: Take) -> None:
    """It answers a question beside the conversation, say, and read the call before it was changed."""
    run, [first, second] = waiting(take, "refund", "refund")
    say(run, first, "approve")
    hand = take(run)
    say(run, second, "edit", arguments={"value": "half"})
    hand.do(hand.recorder.start_calls(hand.state))
    started = hand.state.calls[1]
    assert (started.status, started.arguments, started.effect) == ("executing", {"value": "half"}, "refund half")
    assert (started.bound_hash, started.edited_by) == (row(second).bound_hash, row(second).edited_by_name)


def test_an_edit_that_was_taken_back_while_a_worker_held_the_run_does_not_start(take: Take, grace: None) -> None:
    run, [call] = waiting(take)
    say(run, call, "edit", arguments={"value": "double"})
    Run.objects.filter(pk=run.pk).update(wake_at=Now())
    hand = take(run)
    say(run, call, "take_back")
    say(run, call, "approve")
    ToolCall.objects.filter(pk=call.id).update(dispatch_at=Now())
    hand.do(hand.recorder.start_calls(hand.state))
    [started] = hand.state.calls
    assert (started.status, started.arguments, started.edited_by) == ("executing", {"value": "refund"}, "")


def test_an_edit_that_the_tool_refuses_changes_nothing(take: Take) -> None:
    run, [call] = waiting(take)
    with pytest.raises(InvalidInput, match="Give exactly: value") as refused:
        say(run, call, "edit", arguments={"amount": 1})
    assert refused.value.field == "arguments"
    assert (row(call).status, make.request_of(call).status) == ("held", "pending")


def test_an_edit_cannot_slip_past_a_stricter_rule(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    run, [call] = waiting(take)
    monkeypatch.setitem(registry._tools, "refund", CountingTool("refund", Tier.CRITICAL))
    with pytest.raises(InvalidInput, match="it is critical"):
        say(run, call, "edit", arguments={"value": "all"})
    assert row(call).status == "held"


def test_an_edit_taken_back_is_what_the_agent_asked_again(take: Take, grace: None) -> None:
    run, [call] = waiting(take)
    before = row(call).bound_hash
    say(run, call, "edit", arguments={"value": "half"})
    request = say(run, call, "take_back")
    assert (row(call).arguments, row(call).bound_hash, row(call).edited_by_name) == ({"value": "refund"}, before, "")
    assert (request.effect, request.bound_hash) == ("refund refund", before)


@pytest.mark.parametrize("decision", ["edit", "answer", "approve"])
def test_a_critical_action_is_neither_edited_nor_answered(take: Take, decision: str) -> None:
    run, [call] = waiting(take, "erase")
    more = {"edit": {"arguments": {"value": "x"}}, "answer": {"answer": "No."}}.get(decision, {})
    with pytest.raises(InvalidInput, match="never executed by the agent"):
        say(run, call, decision, **more)


def test_a_person_answers_in_the_tools_place(take: Take) -> None:
    run, [call] = waiting(take)
    say(run, call, "answer", answer="It was paid back last week.")
    told = row(call)
    assert (told.status, told.result["status"], told.result["data"]) == (
        "answered",
        "ok",
        "It was paid back last week.",
    )


# ── asking first ───────────────────────────────────────────────────────────────────────────────


def test_a_question_wakes_the_run_and_the_action_stays_held(take: Take) -> None:
    run, [call] = waiting(take, "mail")
    boss = make.admin(run.team)
    inquiry = ask(boss, make.request_of(call).pk, question="Why to her?")
    request = make.request_of(call)
    assert (request.status, request.decide_at, request.on_deadline) == ("pending", None, ""), "its countdown is held"
    hand = take(run)
    [asked] = hand.state.asked
    assert (asked.id, asked.question, asked.effect) == (inquiry.pk, "Why to her?", "mail mail")
    step = hand.do(hand.recorder.open_aside(hand.state, user("Why to her?"), make.CENT))
    answer = says("She asked for it.")
    hand.do(hand.recorder.answer_aside(hand.state, step, asked, [make.bill()], answer))
    hand.leave(Wait(WaitingOn.APPROVAL))
    inquiry.refresh_from_db()
    assert (inquiry.answer, inquiry.problem) == ("She asked for it.", "")
    aside = Step.objects.get(run=run, kind="aside")
    assert (aside.number, aside.status, text_of(aside.output)) == (2, "answered", "She asked for it.")
    fresh = Run.objects.get(pk=run.pk)
    assert (fresh.cost_usd, fresh.held_usd) == (make.CENT * 2, 0)
    assert row(call).status == "held"


def test_the_conversation_never_sees_an_aside(take: Take) -> None:
    test_a_question_wakes_the_run_and_the_action_stays_held(take)
    run = Run.objects.get()
    [call] = ToolCall.objects.all()
    decide(make.admin(run.team), make.request_of(call.pk).pk, decision="reject", revision=2, via="page")
    hand = take(run)
    assert [message["role"] for message in hand.state.messages] == ["user", "assistant"]
    assert (hand.state.turn, hand.state.steps, hand.state.calls[0].status) == (1, 2, "rejected")
    assert hand.open().number == 3


def test_an_aside_whose_worker_died_is_billed_and_asked_again(take: Take) -> None:
    run, [call] = waiting(take)
    ask(make.admin(run.team), make.request_of(call).pk, question="Why?")
    ghost = take(run)
    ghost.do(ghost.recorder.open_aside(ghost.state, user("Why?"), make.CENT))
    make.lose_lease(run)
    hand = take(run, "other")
    assert hand.state.cut_off_aside is not None
    assert hand.state.interrupted is None
    hand.do(hand.recorder.abandon_aside(hand.state, hand.state.cut_off_aside))
    assert Step.objects.get(run=run, kind="aside").status == "abandoned"
    assert [asked.question for asked in hand.state.asked] == ["Why?"]
    hand.leave(Wait(WaitingOn.APPROVAL))
    fresh = Run.objects.get(pk=run.pk)
    assert (fresh.held_usd, fresh.cost_usd) == (0, make.CENT + make.abandoned(hand.state).cost_usd)


def test_a_problem_is_told_in_place_of_an_answer(take: Take) -> None:
    run, [call] = waiting(take)
    inquiry = ask(make.admin(run.team), make.request_of(call).pk, question="Why?")
    hand = take(run)
    asked = Asked(inquiry.pk, "Ada", "Why?", "refund")
    hand.do(hand.recorder.answer_aside(hand.state, None, asked, [], problem="The budget is used up."))
    inquiry.refresh_from_db()
    assert (inquiry.answer, inquiry.problem) == ("", "The budget is used up.")
    assert inquiry.answered_at is not None


def test_one_question_at_a_time(take: Take) -> None:
    run, [call] = waiting(take)
    boss, request = make.admin(run.team), make.request_of(call)
    results = make.at_once(
        lambda: ask(boss, request.pk, question="Why?"), lambda: ask(boss, request.pk, question="What for?")
    )
    assert sum(isinstance(result, Inquiry) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 1


def test_a_decision_beats_an_open_question(take: Take) -> None:
    run, [call] = waiting(take)
    ask(make.admin(run.team), make.request_of(call).pk, question="Why?")
    say(run, call, "approve")
    held = lease.acquire(str(run.pk), "later")
    assert held is not None
    assert Inquiry.objects.open_about("tool_call", [str(call.id)]).count() == 0
