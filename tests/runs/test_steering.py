"""People steer a run: messages reach the agent once, raised limits and second tries keep what was done."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from agentops.accounts.models import Role
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from agentops.core.states import WaitingOn
from agentops.engine.interrupts import End, StopReason, Wait
from approvals.models import ApprovalRequest
from runs.actions import (
    answer_question,
    cancel_run,
    continue_run,
    pause_run,
    raise_limits,
    resume_run,
    send_message,
)
from runs.models import Account, Event, Run, RunMessage, Step, ToolCall

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def stopped(take: Take, reason: str = "max_steps") -> Run:
    """A run that ended at a limit, after one call that succeeded."""
    run = make.run()
    hand = take(run)
    hand.open()
    [call] = hand.answer(make.answer("note"))
    hand.leave(End(StopReason(reason), "So far.", "It took all it may."), make.settled(call))
    return fresh(run)


def test_a_message_is_read_by_the_next_step_and_by_no_other(take: Take) -> None:
    run = make.run()
    send_message(make.admin(run.team), run.pk, "Leave the invoices alone.")
    hand = take(run)
    [said] = hand.do(hand.recorder.unread(hand.state))
    assert said.text == "Leave the invoices alone."
    step = hand.open()
    assert RunMessage.objects.get().step_id == step.id
    assert (fresh(run).unread, hand.do(hand.recorder.unread(hand.state))) == (0, [])


def test_a_worker_learns_of_a_message_with_its_next_commit(take: Take) -> None:
    run = make.run()
    hand = take(run)
    hand.open()
    send_message(make.admin(run.team), run.pk, "Wait.")
    assert hand.do(hand.recorder.unread(hand.state)) == []
    hand.answer(make.answer("look"))
    assert [said.text for said in hand.do(hand.recorder.unread(hand.state))] == ["Wait."]


def test_a_message_that_was_sent_while_the_agent_answered_keeps_the_run_alive(take: Take) -> None:
    run = make.run()
    hand = take(run)
    hand.open()
    send_message(make.admin(run.team), run.pk, "One more thing.")
    hand.finish()
    assert (hand.left, fresh(run).status) == (False, "running")
    hand.open()
    hand.finish()
    assert (hand.left, fresh(run).status, fresh(run).unread) == (True, "succeeded", 0)


def test_a_message_and_the_last_answer_at_once_lose_nothing(take: Take) -> None:
    for _ in range(5):
        run = make.run()
        hand = take(run)
        hand.open()
        boss = make.admin(run.team)
        sent, _answered = make.at_once(lambda run=run, boss=boss: send_message(boss, run.pk, "Stop."), hand.finish)
        if fresh(run).is_final:
            assert isinstance(sent, Conflict)
            assert not RunMessage.objects.filter(run=run).exists()
        else:
            assert fresh(run).unread == 1


def test_an_ended_run_takes_no_message() -> None:
    run = make.run()
    cancel_run(make.admin(run.team), run.pk)
    with pytest.raises(Conflict, match="nobody would read it"):
        send_message(make.admin(run.team), run.pk, "Hello?")


def test_a_run_that_only_takes_back_takes_no_message() -> None:
    run = make.run()
    undo = make.run(run.team)
    Run.objects.filter(pk=undo.pk).update(undoes=run)
    with pytest.raises(Conflict, match="asks no model: nobody would read it"):
        send_message(make.admin(run.team), undo.pk, "Hello?")
    assert not RunMessage.objects.exists()


@pytest.mark.parametrize("text", ["", "  \n", "x" * 20_001, "a\x00b"])
def test_a_message_that_says_nothing_or_too_much_is_refused(text: str) -> None:
    run = make.run()
    with pytest.raises(InvalidInput) as refused:
        send_message(make.admin(run.team), run.pk, text)
    assert refused.value.field == "text"


def test_a_run_that_goes_on_has_no_answer_and_no_outcome_yet(take: Take) -> None:
    run = stopped(take)
    missed = {"outcome": "not_completed", "outcome_detail": "It did not.", "answer_data": {"a": 1}}
    Run.objects.filter(pk=run.pk).update(**missed)
    continue_run(make.admin(run.team), run.pk, {"max_steps": 99})
    take(run).open()
    run = fresh(run)
    assert (run.status, run.outcome, run.outcome_detail, run.answer, run.answer_data) == ("running", "", "", "", None)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.APPROVER])
def test_who_may_not_operate_steers_nothing(role: Role) -> None:
    run = make.run()
    who = make.person(run.team, role)
    for deed in (
        lambda: send_message(who, run.pk, "Hi"),
        lambda: raise_limits(who, run.pk, {"max_steps": 99}),
        lambda: continue_run(who, run.pk),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_another_teams_run_is_not_there() -> None:
    run, stranger = make.run(), make.admin(make.team())
    for deed in (
        lambda: send_message(stranger, run.pk, "Hi"),
        lambda: raise_limits(stranger, run.pk, {"max_steps": 99}),
        lambda: continue_run(stranger, run.pk),
        lambda: answer_question(stranger, run.pk, "Yes"),
    ):
        with pytest.raises(Run.DoesNotExist):
            deed()


def test_a_raised_limit_counts_for_the_worker_that_holds_the_run(take: Take) -> None:
    run = make.run(limits={"max_steps": 3})
    hand = take(run)
    assert hand.do(hand.recorder.limits_raised(hand.state)) is False
    raise_limits(make.admin(run.team), run.pk, {"max_steps": 7})
    assert hand.do(hand.recorder.limits_raised(hand.state)) is True
    assert hand.state.limits.max_steps == 7
    note = Event.objects.get(run=run, kind="person.acted").data
    assert note["action"] == "raised steps to 7"


@pytest.mark.parametrize(
    "limits", [{}, {"max_steps": 1}, {"max_steps": 10**9}, {"max_steps": "many"}, {"max_steps": True}, {"max_love": 5}]
)
def test_a_limit_that_is_not_higher_is_refused_by_its_name(limits: dict[str, Any]) -> None:
    run = make.run(limits={"max_steps": 3})
    with pytest.raises(InvalidInput) as refused:
        raise_limits(make.admin(run.team), run.pk, limits)
    assert refused.value.field.startswith("limits")
    assert fresh(run).max_steps == 3


def test_more_money_than_the_agents_own_limit_is_an_admins_to_give() -> None:
    run = make.run(limits={"max_cost_usd": 0.5})
    operator = make.person(run.team, Role.OPERATOR)
    raise_limits(operator, run.pk, {"max_cost_usd": "0.9"})
    with pytest.raises(NotAllowed):
        raise_limits(operator, run.pk, {"max_cost_usd": 5})
    assert raise_limits(make.admin(run.team), run.pk, {"max_cost_usd": 5}).max_cost_usd == 5


def test_a_run_that_stopped_at_a_limit_goes_on_from_its_last_step(take: Take) -> None:
    run = stopped(take)
    with pytest.raises(InvalidInput, match="raise it to let it go on") as refused:
        continue_run(make.admin(run.team), run.pk)
    assert refused.value.field == "limits.max_steps"
    going = continue_run(make.admin(run.team), run.pk, {"max_steps": run.max_steps + 10})
    assert (going.status, going.ended_at, going.stop_reason, going.answer) == ("queued", None, "", "")
    hand = take(run)
    assert [call.status for call in hand.state.calls] == ["succeeded"]
    assert hand.open().number == 2
    hand.finish()
    assert fresh(run).status == "succeeded"


def test_a_step_that_failed_is_tried_again_as_itself(take: Take) -> None:
    run = make.run()
    hand = take(run)
    step = hand.open()
    hand.do(
        hand.recorder.fail_step(hand.state, step, [make.bill()], "overloaded", End(StopReason.MODEL_FAILED, "", "Bad."))
    )
    assert Step.objects.get().status == "failed"
    continue_run(make.admin(run.team), run.pk)
    again = take(run)
    assert again.state.interrupted is not None
    assert again.state.interrupted.number == 1
    again.reopen()
    again.finish()
    assert (fresh(run).status, fresh(run).steps, Step.objects.get().status) == ("succeeded", 1, "answered")


def test_going_on_twice_at_once_happens_once(take: Take) -> None:
    run = stopped(take)
    boss = make.admin(run.team)
    more = {"max_steps": run.max_steps + 1}
    results = make.at_once(*[lambda: continue_run(boss, run.pk, more)] * 2)
    assert sum(isinstance(result, Run) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 1


def test_only_a_failed_run_goes_on(take: Take) -> None:
    run = make.run()
    boss = make.admin(run.team)
    for _ in ("queued", "cancelled"):
        with pytest.raises(Conflict, match="Only a failed run"):
            continue_run(boss, run.pk)
        if not fresh(run).is_final:
            cancel_run(boss, run.pk)


def test_a_run_that_goes_on_keeps_its_budgets_straight(take: Take) -> None:
    team = make.team()
    budget = make.budget("1.00", team)
    run = make.run(team)
    hand = take(run)
    hand.open()
    hand.answer(make.answer("note"), None)
    hand.leave(End(StopReason.MAX_STEPS, "", "Enough."), make.settled(*hand.state.calls))
    continue_run(make.admin(team), run.pk, {"max_steps": run.max_steps + 1})
    hand = take(run)
    hand.open()
    hand.finish()
    account: Account = make.account(budget)
    assert (account.spent, account.held) == (Decimal("0.02"), 0)


def asking(take: Take, run: Run | None = None) -> tuple[Run, Any]:
    run = run or make.run()
    hand = take(run)
    hand.open()
    [call] = hand.answer(make.answer("ask_human"))
    hand.leave(Wait(WaitingOn.ANSWER))
    return run, call


def test_an_operator_answers_what_the_agent_asks(take: Take) -> None:
    run, call = asking(take)
    asked = make.request_of(call)
    assert (asked.wants, fresh(run).waiting_on) == ("answer", "answer")
    answer_question(make.person(run.team, Role.OPERATOR), run.pk, "The blue one.")
    row = ToolCall.objects.get(pk=call.id)
    assert (row.status, row.result["data"]) == ("answered", "The blue one.")
    hand = take(run)
    assert hand.state.calls[0].result.ok


def test_an_answer_is_given_once(take: Take) -> None:
    run, _call = asking(take)
    boss = make.admin(run.team)
    results = make.at_once(
        lambda: answer_question(boss, run.pk, "Blue."), lambda: answer_question(boss, run.pk, "Red.")
    )
    assert sum(isinstance(result, ToolCall) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 1


def test_an_empty_answer_is_refused_and_the_question_stays(take: Take) -> None:
    run, call = asking(take)
    with pytest.raises(InvalidInput) as refused:
        answer_question(make.admin(run.team), run.pk, "  ")
    assert refused.value.field == "text"
    assert make.request_of(call).status == "pending"


def test_who_only_looks_answers_nothing(take: Take) -> None:
    run, _call = asking(take)
    with pytest.raises(NotAllowed):
        answer_question(make.person(run.team, Role.VIEWER), run.pk, "Blue.")


def test_nothing_asked_is_a_conflict() -> None:
    run = make.run()
    with pytest.raises(Conflict, match="asks nothing"):
        answer_question(make.admin(run.team), run.pk, "Blue.")


def test_a_paused_run_keeps_its_messages_until_it_goes_on(take: Take) -> None:
    run = make.run()
    boss = make.admin(run.team)
    pause_run(boss, run.pk)
    send_message(boss, run.pk, "When you are back: stop at noon.")
    resume_run(boss, run.pk)
    hand = take(run)
    assert [said.by for said in hand.do(hand.recorder.unread(hand.state))] == [str(boss)]


def test_a_cancelled_question_closes_its_request(take: Take) -> None:
    run, call = asking(take)
    cancel_run(make.admin(run.team), run.pk)
    assert make.request_of(call).status == ApprovalRequest.Status.CANCELLED
