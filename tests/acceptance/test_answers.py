"""Answers on the real stack: repaired to their schema, held against criteria, judged, whoever dies meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs.actions import start_run
from runs.models import AgentVersion, Run, Step

from .stack import RUN_WORKERS, Stack, eventually
from .world import World, assert_at_rest, ended, turn, use

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]

SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
JUDGE = {"kind": "judge", "question": "Does it say “all paid”?"}


def start(world: World, *texts: str, judge: dict[str, Any] | None = None, first: list[Any] | None = None) -> Run:
    script = {"turns": [*(first or []), *({"text": text} for text in texts)], "judge": judge or {}}
    run, _ = start_run(world.actor, agent=world.agent.name, goal=f"```sim {json.dumps(script)}```", via="api")
    return run


def wants(world: World, **fields: Any) -> None:
    """Past publishing: the stack's own tools are known to its workers alone."""
    AgentVersion.objects.filter(pk=world.agent.live_id).update(**fields)


def steps(run: Run, kind: str) -> list[Step]:
    return list(run.step_set.filter(kind=kind).order_by("number"))


def told(run: Run) -> list[tuple[str, int]]:
    rows = run.step_set.exclude(recovery=None).order_by("number").values_list("recovery", flat=True)
    return [(row["kind"], row["time"]) for row in rows]


def test_an_answer_is_repaired_to_its_schema_at_most_twice(world: World) -> None:
    wants(world, answer_schema=SCHEMA)
    mended = ended(start(world, "It is twelve.", '{"total": "12"}', '```json\n{"total": 12}\n```'))
    assert (mended.status, mended.outcome, mended.answer_data) == ("succeeded", "completed", {"total": 12})
    assert told(mended) == [("answer_schema", 1), ("answer_schema", 2)]
    never = ended(start(world, *["It is twelve."] * 4))
    assert (never.status, never.stop_reason, never.outcome) == ("failed", "invalid_answer", "not_completed")
    assert (never.answer, never.answer_data) == ("It is twelve.", None)
    assert_at_rest([mended, never])


def test_a_check_knows_what_was_done_and_is_told_once(world: World) -> None:
    check = {
        "kind": "check",
        "expression": "'look' in tools && answer.contains('A-1')",
        "message": "Look, and name A-1.",
    }
    wants(world, success=[check])
    late = ended(start(world, "A-1.", first=[turn(text="A-1, I think."), turn(use("look"))]))
    assert (late.status, late.outcome, late.answer) == ("succeeded", "completed", "A-1.")
    assert told(late) == [("criteria", 1)]
    never = ended(start(world, "A-1.", "A-1 still."))
    assert (never.status, never.outcome) == ("succeeded", "not_completed")
    assert never.outcome_detail == "Look, and name A-1."


def test_a_check_that_cannot_be_evaluated_counts_as_not_met_and_says_so(world: World) -> None:
    check = {"kind": "check", "expression": "data.total > 0.0", "message": "Give a total."}
    wants(world, success=[check])
    run = ended(start(world, "No JSON.", "None again."))
    assert run.outcome == "not_completed"
    assert "Give a total. (It could not be checked, so it counts as not met" in run.outcome_detail


def test_a_model_judges_in_a_step_that_is_billed_and_no_part_of_the_conversation(world: World) -> None:
    wants(world, success=[JUDGE])
    run = ended(start(world, "Nothing yet.", "All paid now."))
    assert (run.status, run.outcome, run.answer) == ("succeeded", "completed", "All paid now.")
    assert [step.details["met"] for step in steps(run, "judge")] == [False, True]
    assert all(step.cost_usd > 0 for step in steps(run, "judge"))
    assert run.cost_usd == sum(step.cost_usd for step in run.step_set.all())
    assert told(run) == [("criteria", 1)]
    assert_at_rest([run])


@pytest.mark.parametrize(
    ("judge", "asked"),
    [
        ({"text": "Looks good to me!"}, 2),
        ({"text": "", "fault": {"kind": "400", "attempts": 99}}, 1),
    ],
)
def test_a_judge_that_fails_loses_no_run(world: World, judge: dict[str, Any], asked: int) -> None:
    wants(world, success=[JUDGE])
    run = ended(start(world, "All paid.", judge={"paid": judge}))
    assert (run.status, run.outcome, run.answer) == ("succeeded", "", "All paid.")
    assert "could not be judged" in run.outcome_detail
    assert len(steps(run, "judge")) == asked
    assert_at_rest([run])


def test_a_worker_that_dies_while_judging_is_billed_and_another_judges(world: World, stack: Stack) -> None:
    wants(world, success=[JUDGE])
    slow = {"text": json.dumps({"verdicts": [{"met": True, "why": "Yes."}]}), "delay_ms": 4_000, "deltas": 8}
    run = start(world, "All paid.", judge={"paid": slow})
    judging = run.step_set.filter(kind="judge", status="calling")
    eventually(judging.exists, "the answer is being judged")
    for name in RUN_WORKERS:
        stack.kill(name)
    stack.ensure()
    run = ended(run, 120)
    assert (run.status, run.outcome) == ("succeeded", "completed")
    cut_off, last = steps(run, "judge")
    assert (cut_off.status, last.status) == ("abandoned", "answered")
    assert cut_off.cost_usd > 0
    assert_at_rest([run])
