"""The demo's operations lead, plan to report: a person changes the plan, others do the work, a step is taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentops.accounts.access import Actor
from agentops.demo.seed import seed
from agentops.env import Env
from approvals.actions import decide
from approvals.models import ApprovalRequest
from runs.actions import start_run
from runs.actions.undoing import undo_run
from runs.models import Agent, Event, OutboxMessage, Run, ToolCall
from tests.api import factories
from tests.tools.databases import shop_dsn  # noqa: F401

from .stack import Stack, eventually
from .world import assert_at_rest, ended, waits

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lead(stack: Stack, shop_dsn: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Agent:  # noqa: F811
    # Where the stack's own workers look for them.
    settings.AGENTOPS_AGENT_FILES = str(Path(stack.variables["AGENTOPS_DATA_DIR"]) / "agents")
    monkeypatch.setattr(Env, "demo_origin", stack.variables["ANTHROPIC_BASE_URL"])
    settings.ENV = replace(settings.ENV, shop_url="")  # it is made already
    seed()
    return Agent.objects.get(name="operations-lead")


def review(run: Run) -> ApprovalRequest:
    """The request that waits for a person's word about the plan."""
    waits(run, "approval")
    waiting = ApprovalRequest.objects.filter(subject_kind="plan", status="pending")
    return eventually(lambda: waiting.first(), "the plan waits for a person")


def steps(request: ApprovalRequest) -> dict[str, dict[str, Any]]:
    return {step["key"]: step for step in request.arguments["steps"]}


def test_the_report_is_planned_reviewed_worked_out_by_others_and_judged(stack: Stack, lead: Agent) -> None:
    boss = Actor(factories.person(is_superuser=True))
    run, _ = start_run(boss, agent=lead.name, goal=lead.example_goal, inputs={"period": "last 7 days"}, via="page")

    first = review(run)
    assert len(steps(first)) == 5
    decide(boss, first.pk, decision="reject", revision=first.revision, reason="Leave out the to-dos.", via="page")

    second = review(run)
    assert list(steps(second)) == ["sales", "mail", "late", "answers"]
    added = {
        "key": "thanks",
        "title": "Who thanked us",
        "instruction": "Name who says thank you.",
        "after": ["mail"],
    }
    edited = {"steps": [*second.arguments["steps"], added]}
    decide(boss, second.pk, decision="edit", revision=second.revision, arguments=edited, via="page")

    done = ended(run)
    assert (done.status, done.outcome) == ("succeeded", "completed"), done.answer
    plan = done.plans.get(status="done")
    assert {step.key: step.status for step in plan.steps.all()} == dict.fromkeys(
        ["sales", "mail", "late", "answers", "thanks"], "done"
    )
    for title in ("What sold", "What customers wrote", "What we should answer", "Who thanked us"):
        assert f"## {title}" in done.answer
    assert "Maya Lindqvist" in done.answer and "3 drafts; nobody has sent them" in done.answer
    assert done.tainted_by, "what its steps read outside marks it"
    assert done.step_set.get(kind="judge").details["met"] is True
    assert not OutboxMessage.objects.exists()

    sales = Run.objects.get(plan_step__plan=plan, plan_step__key="sales")
    handed = Run.objects.get(parent=sales)
    assert (handed.agent_name, handed.depth) == ("database-analyst", 2)
    assert f"**{handed.answer_data['revenue_usd']:,.2f} USD**" in done.answer
    below = [*Run.objects.filter(parent=done), handed]
    assert_at_rest([done, *below])
    assert sum(one.cost_usd for one in [done, *below]) <= done.max_cost_usd
    assert Event.objects.filter(run=done, kind="child.started").count() == 5


def test_what_a_step_wrote_can_be_taken_back(stack: Stack, lead: Agent) -> None:
    boss = Actor(factories.person(is_superuser=True))
    run, _ = start_run(boss, agent=lead.name, goal="Draft answers to the mails.", via="page")
    request = review(run)
    decide(boss, request.pk, decision="approve", revision=request.revision, via="page")
    assert ended(run).status == "succeeded"
    wrote = ToolCall.objects.get(tool="write_file", run__parent=run)
    back = undo_run(boss, wrote.run_id)
    assert ended(back).status == "succeeded", back.answer
    restored = ToolCall.objects.get(run=back)
    assert (restored.tool, restored.status, restored.undoes_id) == ("restore_file", "succeeded", wrote.pk)
