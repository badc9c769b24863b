"""People steer runs over REST: messages, answers, limits, another try."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from agentops.accounts.models import Role
from runs.models import Run, ToolCall

from . import factories
from .problems import assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Any:
    return factories.team()


@pytest.fixture
def client(team: Any) -> Any:
    return factories.caller(factories.person(team, Role.OPERATOR))


@pytest.fixture
def run(team: Any) -> Run:
    return factories.run(factories.agent(team))


def post(client: Any, run: Run, part: str, body: Any) -> Any:
    return client.post(f"/api/runs/{run.pk}/{part}", body, "application/json")


def failed(run: Run, reason: str) -> Run:
    run.status, run.stop_reason, run.ended_at = "failed", reason, timezone.now()
    run.save()
    return run


def test_a_message_waits_to_be_read(client: Any, run: Run) -> None:
    answer = post(client, run, "messages", {"text": "Leave invoices to us."})
    assert answer.status_code == 201 and answer.json()["step"] is None
    assert client.get(f"/api/runs/{run.pk}").json()["unread"] == 1
    assert [each["text"] for each in client.get(f"/api/runs/{run.pk}/messages").json()["items"]] == [
        "Leave invoices to us."
    ]


def test_an_ended_run_takes_no_message(client: Any, run: Run) -> None:
    assert_problem(post(client, failed(run, "error"), "messages", {"text": "Hurry."}), 409)


@pytest.mark.parametrize("text", ["", "   ", "a\0b", "x" * 20_001, None, 7])
def test_a_message_that_cannot_be_sent_names_its_field(client: Any, run: Run, text: Any) -> None:
    assert_problem(post(client, run, "messages", {"text": text}), 422, "text")


def test_a_limit_is_raised_and_never_lowered(client: Any, run: Run) -> None:
    at = f"/api/runs/{run.pk}/limits"
    assert client.patch(at, {"max_steps": 31}, "application/json").json()["limits"]["max_steps"] == 31
    assert_problem(client.patch(at, {"max_steps": 30}, "application/json"), 422, "max_steps")
    assert_problem(client.patch(at, {"max_stps": 40}, "application/json"), 422, "max_stps")


def test_more_money_than_the_agents_own_is_an_admins_to_give(client: Any, team: Any, run: Run) -> None:
    at, body = f"/api/runs/{run.pk}/limits", {"max_cost_usd": "1.50"}
    assert_problem(client.patch(at, body, "application/json"), 403)
    admin = factories.caller(factories.person(team))
    assert admin.patch(at, body, "application/json").json()["limits"]["max_cost_usd"].startswith("1.5")


def test_a_failed_run_goes_on_and_one_at_its_limit_wants_it_raised(client: Any, run: Run) -> None:
    failed(run, "max_steps")
    assert_problem(post(client, run, "continuation", {}), 422, "limits.max_steps")
    answer = post(client, run, "continuation", {"limits": {"max_steps": 60}})
    assert (answer.json()["status"], answer.json()["limits"]["max_steps"]) == ("queued", 60)
    assert_problem(post(client, run, "continuation", None), 409)


def test_an_agents_question_is_answered(client: Any, team: Any, run: Run) -> None:
    request = factories.held(run, wants="answer", tier="low", decide_at=None, on_deadline="", tool="ask_human")
    ToolCall.objects.filter(run=run).update(tool="ask_human", arguments={"question": "Refund what?"})
    Run.objects.filter(pk=run.pk).update(waiting_on="answer")
    answer = post(client, run, "answers", {"text": "The shipping only."})
    assert answer.status_code == 200 and answer.json()["status"] == "answered", answer.content
    request.refresh_from_db()
    assert (request.status, request.outcome, request.decided_via) == ("answered", "The shipping only.", "api")
    assert_problem(post(client, run, "answers", {"text": "Once more."}), 409)


def test_a_run_that_asks_nothing_takes_no_answer(client: Any, run: Run) -> None:
    assert_problem(post(client, run, "answers", {"text": "Yes."}), 409)
    assert_problem(post(client, run, "answers", {"text": "Yes.", "call": "first"}), 422, "call")


def test_runs_are_found_by_words_by_what_they_wait_for_and_by_time(client: Any, team: Any) -> None:
    agent = factories.agent(team)
    letter = factories.run(agent, goal="Answer the letter of Mr Smith")
    waits = factories.run(agent, status="waiting", waiting_on="budget")
    old = factories.run(agent)
    Run.objects.filter(pk=old.pk).update(created_at="2026-01-01T10:00:00Z")

    def found(**query: str) -> set[str]:
        return {item["id"] for item in client.get("/api/runs", query).json()["items"]}

    assert found(q="letter smi") == {str(letter.pk)}
    assert found(q="nowhere") == set()
    assert found(waiting_on="budget") == {str(waits.pk)}
    assert found(to="2026-01-01T10:00:01") == {str(old.pk)}
    assert found(**{"from": "2026-01-02T00:00:00Z"}) == {str(letter.pk), str(waits.pk)}
    for query, field in [({"from": "yesterday"}, "from"), ({"to": "0001-01-01T00:00:00+14:00"}, "to")]:
        assert_problem(client.get("/api/runs", query), 422, field)
