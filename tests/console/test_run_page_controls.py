"""What a person presses on a run's page: what it does, what it answers, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from runs.models import Run, RunMessage
from tests.api import factories

pytestmark = pytest.mark.django_db
PARTIAL = {"HTTP_HX_REQUEST": "true"}


def make_run(**fields: Any) -> Run:
    return factories.run(factories.agent(factories.team(), max_cost_usd=2), **fields)


def operator(run: Run, role: str = "operator") -> Client:
    return factories.signed_in(factories.person(run.team, role))


def post(client: Client, name: str, run: Run, **values: Any) -> Any:
    return client.post(reverse(name, args=[run.pk]), values, **PARTIAL)


def fields_of(run: Run, **changed: Any) -> dict[str, Any]:
    """As the form sends them: all, most of them as they were."""
    cost = f"{Run.objects.get(pk=run.pk).max_cost_usd.normalize():f}"
    same = {name: getattr(run, name) for name in ("max_steps", "max_tool_calls", "max_tokens", "max_seconds")}
    return {**same, "max_cost_usd": cost, **changed}


def told(response: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(response["HX-Trigger"])
    return content


def test_a_message_waits_to_be_read_and_the_page_is_told() -> None:
    run = make_run(status="running")
    response = post(operator(run), "run-message", run, text="Be kind.")
    assert response.status_code == 204
    assert "acted" in told(response)
    assert RunMessage.objects.get().text == "Be kind."


def test_an_empty_message_names_its_field() -> None:
    run = make_run(status="running")
    response = post(operator(run), "run-message", run, text="  ")
    assert response.status_code == 422
    assert told(response)["refused"]["field"] == "text"


def test_without_javascript_it_comes_back_to_the_page_and_says_what_came_of_it() -> None:
    run = make_run(status="running")
    client = operator(run)
    response = client.post(reverse("run-message", args=[run.pk]), {"text": "Be kind."}, follow=True)
    assert response.redirect_chain[-1][0] == reverse("run", args=[run.pk])
    assert "Its next step reads it" in response.content.decode()
    refused = client.post(reverse("run-message", args=[run.pk]), {"text": ""}, follow=True)
    assert "Write what the agent should know" in refused.content.decode()


def test_only_the_limits_that_were_changed_are_raised() -> None:
    run = make_run(status="running")
    response = post(operator(run), "run-limits", run, **fields_of(run, max_steps=run.max_steps + 5))
    assert response.status_code == 204, told(response)
    before, run = run, Run.objects.get(pk=run.pk)
    assert run.max_steps == before.max_steps + 5
    assert run.max_tokens == before.max_tokens


@pytest.mark.parametrize(("typed", "status"), [("1", 422), ("many", 422), ("-4", 422), ("9" * 400, 422)])
def test_a_limit_that_cannot_be_names_its_field(typed: str, status: int) -> None:
    run = make_run(status="running")
    response = post(operator(run), "run-limits", run, **fields_of(run, max_steps=typed))
    assert response.status_code == status
    assert told(response)["refused"]["field"] == "max_steps"


def test_nothing_raised_is_said_to_be_nothing() -> None:
    run = make_run(status="running")
    assert post(operator(run), "run-limits", run, **fields_of(run)).status_code == 422


def test_more_money_than_the_agent_may_is_an_admins_to_give() -> None:
    run = make_run(status="running")
    values = fields_of(run, max_cost_usd="5")
    assert post(operator(run), "run-limits", run, **values).status_code == 403
    assert post(operator(run, "admin"), "run-limits", run, **values).status_code == 204


def test_a_run_that_stopped_at_a_limit_goes_on_with_a_higher_one() -> None:
    run = make_run(status="failed", stop_reason="max_steps", ended_at=timezone.now())
    client = operator(run)
    refused = post(client, "run-continue", run, **fields_of(run))
    assert refused.status_code == 422 and told(refused)["refused"]["field"] == "max_steps"
    assert post(client, "run-continue", run, **fields_of(run, max_steps=run.max_steps * 2)).status_code == 204
    assert Run.objects.get().status == "queued"


def test_a_failed_step_is_tried_again_without_any_limit() -> None:
    run = make_run(status="failed", stop_reason="model_failed", ended_at=timezone.now())
    assert post(operator(run), "run-continue", run).status_code == 204
    assert Run.objects.get().status == "queued"


def test_a_run_that_lives_or_succeeded_is_not_let_go_on() -> None:
    run = make_run(status="running")
    assert post(operator(run), "run-continue", run).status_code == 409


def test_an_answer_that_nothing_waits_for_is_refused() -> None:
    run = make_run(status="running")
    assert post(operator(run), "run-answer", run, text="Yes", call="12").status_code == 409


@pytest.mark.parametrize("name", ["run-message", "run-limits", "run-continue", "run-answer", "run-pause", "run-cancel"])
def test_a_viewer_who_presses_anyway_changes_nothing(name: str) -> None:
    run = make_run(status="running")
    response = post(operator(run, "viewer"), name, run, **fields_of(run, max_steps=99, text="x"))
    assert response.status_code == 403
    assert "can." in told(response)["toast"]["text"]
    assert Run.objects.get(pk=run.pk).seq == run.seq
