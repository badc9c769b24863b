"""Whole results by reference: the run's own, those of the run it came from, those of its plan's other steps."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.core.tools import ToolResult
from runs.models import Plan, PlanStep, Run, Step
from runs.stored_results import find
from runs.telling import told

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


def looked(take: Take, run: Run, *said: str) -> Run:
    """A run whose steps each look something up, and get that."""
    hand = take(run)
    for words in said:
        hand.open()
        [call] = hand.answer(make.answer("look"))
        make.settled(call)
        call.result = ToolResult("ok", data=words, untrusted_source="mail 3", ref=f"{hand.state.turn}.1")
        hand.do(hand.recorder.settle_calls(hand.state, [call]))
    return run


def data(run: Run, ref: str) -> Any:
    found = find(str(run.pk), ref)
    return found.data if found else None


def test_a_run_reads_its_own(take: Take) -> None:
    run, other = looked(take, make.run(), "one", "two"), looked(take, make.run(), "theirs")
    assert [data(run, ref) for ref in ("1.1", "2.1", " 2.1 ")] == ["one", "two", "two"]
    for ref in ("3.1", "1.2", "1.0", "1", "", "x:1.1", f"{other.pk}:1.1", "9" * 30):
        assert data(run, ref) is None, ref
    found = find(str(run.pk), "1.1")
    assert found is not None
    assert found.untrusted_source == "mail 3"


def test_a_fork_reads_what_it_shares(take: Take) -> None:
    origin = looked(take, make.run(), "one", "two", "three")
    fork = make.run(origin.team)
    Run.objects.filter(pk=fork.pk).update(forked_from=origin, forked_step=3)
    assert [data(fork, ref) for ref in ("1.1", "2.1", "3.1")] == ["one", "two", None]


def test_a_step_of_a_plan_reads_the_others_by_their_key(take: Take) -> None:
    team = make.team()
    parent, first, second = (make.run(team) for _ in range(3))
    looked(take, first, "prices")
    plan = Plan.objects.create(run=parent, number=1, status="approved")
    for position, (key, run) in enumerate((("prices", first), ("letter", second))):
        step = PlanStep.objects.create(
            plan=plan, position=position, key=key, title=key, instruction=key, max_tool_calls=5, status="done"
        )
        Run.objects.filter(pk=run.pk).update(plan_step=step)
    assert data(second, "prices:1.1") == "prices"
    assert data(second, "1.1") is None
    assert data(first, "letter:1.1") is None
    assert data(parent, "prices:1.1") is None


def test_a_step_of_the_next_plan_reads_what_the_plan_before_has_done(take: Take) -> None:
    team = make.team()
    parent, first, second = (make.run(team) for _ in range(3))
    looked(take, first, "prices")
    done = {"position": 0, "key": "look.up", "title": "Look up", "instruction": "Look.", "max_tool_calls": 5}
    for number, status in ((1, "superseded"), (2, "approved")):
        plan = Plan.objects.create(run=parent, number=number, status=status)
        step = PlanStep.objects.create(plan=plan, status="done", **done)
        if number == 1:
            Run.objects.filter(pk=first.pk).update(plan_step=step)
    step = PlanStep.objects.create(plan=plan, status="running", **{**done, "position": 1, "key": "letter"})
    Run.objects.filter(pk=second.pk).update(plan_step=step)
    assert data(second, "look.up:1.1") == "prices"


def test_a_large_result_is_told_as_a_preview_and_stored_whole(take: Take) -> None:
    run = looked(take, make.run(), "x" * 50_000)
    call = Step.objects.get(run=run).call_set.get()
    assert len(call.result["data"]) == 50_000
    assert len(call.result_text) < 6_000
    assert '"ref":"1.1"' in call.result_text
    assert "<untrusted" in call.result_text
    assert told(ToolResult(**call.result)) == call.result_text
