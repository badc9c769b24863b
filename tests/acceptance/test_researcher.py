"""The demo researcher, start to answer: a person answers it, its mail is held and turned down, facts have sources."""

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
from runs.actions import answer_question, start_run
from runs.models import Agent, OutboxMessage, Run, ToolCall
from tests.api import factories

from .stack import Stack
from .world import assert_at_rest, call, ended, waits

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def researcher(stack: Stack, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Agent:
    settings.AGENTOPS_AGENT_FILES = str(tmp_path)
    monkeypatch.setattr(Env, "demo_origin", stack.variables["ANTHROPIC_BASE_URL"])
    settings.ENV = replace(settings.ENV, shop_url="")  # it needs none, and the test's servers have none
    seed()
    return Agent.objects.get(name="researcher")


def test_the_researcher_asks_is_answered_and_sends_nothing_without_a_person(stack: Stack, researcher: Agent) -> None:
    boss = Actor(factories.person(is_superuser=True))
    run, _ = start_run(boss, agent="researcher", goal=researcher.example_goal, via="page")

    waits(run, "answer")
    assert run.tainted_by.startswith(stack.variables["ANTHROPIC_BASE_URL"])
    asked = call(run, "ask_human")
    answer_question(boss, run.pk, asked.arguments["options"][0])

    waits(run, "approval")
    request = ApprovalRequest.objects.get(tool="send_email")
    assert (request.tier, request.decide_at, request.on_deadline) == ("high", None, "")
    assert request.tainted_by == run.tainted_by
    decide(boss, request.pk, decision="reject", revision=request.revision, reason="Not today.", via="page")

    assert ended(run).status == "succeeded"
    assert not OutboxMessage.objects.exists()
    assert call(run, "send_email").status == "rejected"
    assert asked.arguments["options"][0].partition(" (")[0] in run.answer
    read = {row.arguments["url"] for row in ToolCall.objects.filter(run=run, tool="http_fetch", status="succeeded")}
    named = {url for url in read if url in run.answer}
    assert len(named) >= 2, run.answer
    assert "brightmail" not in str(list(ToolCall.objects.filter(run=run, tool="send_email").values("arguments")))
    assert Run.objects.get(pk=run.pk).tool_calls == ToolCall.objects.filter(run=run).count()
    assert_at_rest([run])
