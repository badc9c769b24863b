"""The commits of a judge's step: one bill, one verdict, one end; a person's words come before any verdict."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from agentops.core.errors import BudgetRefused
from agentops.core.messages import user
from agentops.core.states import StopReason
from agentops.engine.interrupts import End
from agentops.engine.state import Judgement
from runs.actions import send_message, start_run
from runs.models import AgentVersion, Run

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)

VERDICT = {"met": True, "why": "", "again": False, "verdicts": []}
DONE = End(StopReason.ANSWERED, "A-1.", outcome="completed")
JUDGE = [{"kind": "judge", "question": "Is it named?"}]


def judged_run() -> Run:
    team = make.team()
    agent = make.agent(team, success=JUDGE)
    return start_run(make.admin(team), agent=agent.name, goal="Do it.", via="api")[0]


def answered(take: Take, run: Run) -> Any:
    hand = take(run)
    hand.open()
    hand.answer(make.answer(words="A-1."))
    return hand


def judge(hand: Any, end: End | None = DONE, *, answer: Any = None, **details: Any) -> bool:
    step = hand.do(hand.recorder.open_judge(hand.state, user("Judge it."), make.CENT))
    given = answer or make.answer(words=json.dumps({"verdicts": []}))
    return bool(
        hand.do(hand.recorder.answer_judge(hand.state, step, given.attempts, given, {**VERDICT, **details}, end))
    )


def test_a_verdict_ends_the_run_in_one_commit_and_is_billed(take: Take) -> None:
    run = judged_run()
    assert judge(answered(take, run))
    run.refresh_from_db()
    assert (run.status, run.outcome, run.steps, run.cost_usd) == ("succeeded", "completed", 2, Decimal("0.02"))
    assert (run.held_usd, run.slice_drawn, run.wake_at) == (0, 0, None)
    step = run.step_set.get(kind="judge")
    assert (step.status, step.cost_usd, step.details) == ("answered", make.CENT, VERDICT)
    assert run.version is not None and run.needs == 2


def test_what_a_person_says_while_it_is_judged_keeps_the_run(take: Take) -> None:
    run = judged_run()
    hand = answered(take, run)
    send_message(make.admin(run.team), run.pk, "And A-2.")
    assert not judge(hand)
    run.refresh_from_db()
    assert (run.status, run.outcome, run.answer, run.unread) == ("running", "", "", 1)
    assert [said.text for said in hand.do(hand.recorder.unread(hand.state))] == ["And A-2."]


def test_another_worker_knows_the_verdict_and_the_conversation_without_it(take: Take) -> None:
    run = judged_run()
    assert not judge(answered(take, run), None, met=False, why="A-2 is missing.")
    make.lose_lease(run)
    state = take(run).state
    assert state.judgements == [Judgement(False, "A-2 is missing.")]
    assert [message["role"] for message in state.messages] == ["user", "assistant"]
    assert (state.interrupted, state.cut_off_aside, state.steps) == (None, None, 2)


def test_a_verdict_about_an_earlier_answer_is_forgotten(take: Take) -> None:
    run = judged_run()
    hand = answered(take, run)
    judge(hand, None, met=False, why="A-2 is missing.")
    hand.open()
    hand.answer(make.answer(words="A-1, A-2."))
    make.lose_lease(run)
    assert take(run).state.judgements == []


def test_a_judgement_that_a_dead_worker_had_begun_is_no_open_turn(take: Take) -> None:
    run = judged_run()
    hand = answered(take, run)
    hand.do(hand.recorder.open_judge(hand.state, user("Judge it."), make.CENT))
    make.lose_lease(run)
    other = take(run)
    assert other.state.interrupted is None and other.state.cut_off_aside is not None
    other.do(other.recorder.abandon_aside(other.state, other.state.cut_off_aside))
    step = run.step_set.get(kind="judge")
    assert (step.status, step.cost_usd) == ("abandoned", Decimal("0.005"))


def test_no_money_for_a_judge_writes_nothing_and_a_step_without_a_model_needs_none(take: Take) -> None:
    run = judged_run()
    make.budget("0.015", run.team)
    hand = answered(take, run)
    with pytest.raises(BudgetRefused):
        hand.do(hand.recorder.open_judge(hand.state, user("Judge it."), Decimal(1)))
    assert not run.step_set.filter(kind="judge").exists()
    step = hand.do(hand.recorder.open_judge(hand.state, user("Judge it."), None))
    details = {"met": None, "why": "No money.", "again": False, "verdicts": []}
    end = End(StopReason.ANSWERED, "A-1.", outcome_detail="It could not be judged.")
    assert hand.do(hand.recorder.answer_judge(hand.state, step, [], None, details, end))
    run.refresh_from_db()
    assert (run.status, run.outcome, run.outcome_detail) == ("succeeded", "", "It could not be judged.")
    assert run.step_set.get(kind="judge").error == "No money."


def test_tools_that_worked_are_remembered_by_the_next_worker(take: Take) -> None:
    run = judged_run()
    AgentVersion.objects.filter(pk=run.version_id).update(tools=[])
    hand = take(run)
    hand.open()
    worked, failed = hand.answer(make.answer("look", "note"))
    hand.settle(worked)
    hand.settle(failed, status="failed")
    hand.open()
    make.lose_lease(run)
    assert take(run).state.used == {"look"}
