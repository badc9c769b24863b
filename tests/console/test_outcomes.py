"""Ended and completed are told apart: on the run page, in the list, in an agent's figures and on the Overview."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from runs.models import Agent, Step
from runs.pages import structured
from tests.api import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> Agent:
    return make.agent(make.team(), "desk")


@pytest.fixture
def client(agent: Agent) -> Client:
    return make.signed_in(make.person(agent.team))


def ended(agent: Agent, outcome: str = "", status: str = "succeeded", **fields: Any) -> Any:
    return make.run(agent, status=status, outcome=outcome, ended_at=timezone.now(), **fields)


def page(client: Client, run: Any) -> str:
    return client.get(reverse("run", args=[run.pk])).content.decode()


def test_a_completed_task_is_said_beside_the_status(client: Client, agent: Agent) -> None:
    shown = page(client, ended(agent, "completed", answer="A-1."))
    assert 'data-outcome="completed"' in shown and "run-outcome" not in shown


def test_an_answer_that_misses_a_criterion_says_which(client: Client, agent: Agent) -> None:
    shown = page(client, ended(agent, "not_completed", outcome_detail="Name <b>A-2</b>.", answer="A-1."))
    assert "did not complete its task" in shown and "Name &lt;b&gt;A-2&lt;/b&gt;." in shown


def test_what_nobody_could_judge_is_not_called_completed(client: Client, agent: Agent) -> None:
    shown = page(client, ended(agent, outcome_detail="It could not be judged: no money.", answer="A-1."))
    assert "nobody could tell" in shown and "no money" in shown and "data-outcome" not in shown


def test_a_failed_run_says_once_why_and_that_its_task_is_open(client: Client, agent: Agent) -> None:
    shown = page(client, ended(agent, "not_completed", status="failed", stop_reason="max_steps"))
    assert 'data-outcome="not_completed"' in shown and "run-outcome" not in shown


def test_a_structured_answer_is_read_before_its_json(client: Client, agent: Agent) -> None:
    data = {
        "total": 129.5,
        "paid": False,
        "note": None,
        "orders": [{"id": "A-1", "usd": 12}, {"id": "<A-2>"}],
        "tags": ["red", "gre\u202een"],
        "who": {"name": "Ada\nLovelace"},
    }
    shown = page(client, ended(agent, "completed", answer="{…}", answer_data=data))
    answer = shown[shown.index('class="structured"') :]
    assert '<th scope="col" dir="auto">id</th>' in answer and "&lt;A-2&gt;" in answer
    assert "129.5" in answer and re.search(r">no\s*<", answer) and "nothing" in answer
    assert "\u202e" not in answer, "what would turn the text around is shown, not done"
    assert answer.index('id="answer-json"') > answer.index("129.5")


@pytest.mark.parametrize("data", [0, False, "", [], {}, "words", [[1, 2], [3]], [{"a": 1}, 2], {"": {"": ""}}])
def test_any_json_can_be_an_answer(client: Client, agent: Agent, data: Any) -> None:
    assert 'class="structured"' in page(client, ended(agent, answer="x", answer_data=data))


def test_a_huge_or_deep_answer_is_cut_to_what_a_page_can_hold(agent: Agent) -> None:
    deep: Any = "end"
    for _ in range(200):
        deep = [deep]
    data = {"many": list(range(5_000)), "deep": deep, **{f"k{n}": n for n in range(500)}}
    value = structured.of(make.run(agent, answer_data=data))
    assert value is not None and (len(value.rows), value.left_out) == (100, 402)
    many = dict(value.rows)["many"]
    assert (len(many.items), many.left_out) == (100, 4_900)


def test_the_list_finds_runs_by_outcome(client: Client, agent: Agent) -> None:
    missed, done = ended(agent, "not_completed"), ended(agent, "completed")
    ended(agent)

    def found(outcome: str) -> list[Any]:
        return [run.pk for run in client.get(reverse("runs"), {"outcome": outcome}).context["page"].rows]

    assert (found("not_completed"), found("completed")) == ([missed.pk], [done.pk])
    assert len(found("perhaps")) == 3, "a value that means nothing is left out"
    assert "Task not completed" in client.get(reverse("runs")).content.decode()


def test_an_agent_is_not_praised_for_answers_that_missed_their_criteria(client: Client, agent: Agent) -> None:
    for outcome in ("completed", "not_completed", "not_completed", "not_completed", ""):
        ended(agent, outcome)
    address = reverse("agent", args=[agent.team.slug, agent.name])
    figures = client.get(address).context["figures"]
    assert (figures.success_percent, figures.completed_percent, figures.judged) == (100, 25, 4)
    assert "of 4 completed their task" in client.get(reverse("agents")).content.decode()


def test_a_judges_step_tells_each_verdict(client: Client, agent: Agent) -> None:
    run = ended(agent, "not_completed", steps=2)
    verdicts = [
        {"question": "Is it named?", "met": True, "why": "It is."},
        {"question": "Is there a <total>?", "met": False, "why": "There is none."},
    ]
    Step.objects.create(
        run=run,
        number=2,
        kind="judge",
        status="answered",
        fence=1,
        input={"role": "user", "content": [{"type": "text", "text": '{"secret": 1}'}]},
        output=[{"type": "text", "text": "{}"}],
        model="small",
        details={"met": False, "why": "x", "again": False, "verdicts": verdicts},
        opened_at=timezone.now(),
    )
    shown = page(client, run)
    assert "Judged: the task is not completed." in shown and "Is there a &lt;total&gt;?" in shown
    assert "secret" not in shown, "what the judge was told is in the raw record"
    raw = client.get(reverse("run-step-request", args=[run.pk, 2])).json()
    assert raw["tools"] == [] and "You judge" in raw["system"] and len(raw["messages"]) == 1
