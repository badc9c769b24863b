"""Pages without a browser: what they show, to whom, and what they answer to a decision."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.accounts.models import Membership, Team
from approvals.models import ApprovalRequest
from runs.models import Agent, AgentVersion, Run, Step, ToolCall

pytestmark = pytest.mark.django_db
PAGES = ["overview", "approvals", "approvals-history", "runs", "run-new", "agents", "outbox"]
PARTIAL = {"HTTP_HX_REQUEST": "true"}


def person(name: str, team: Team, role: str) -> Client:
    user = get_user_model().objects.create_user(name, password="x")
    Membership.objects.create(team=team, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def team(name: str = "support") -> Team:
    return Team.objects.create(name=name, slug=name)


def run_of(owner: Team, **values: object) -> Run:
    agent, _ = Agent.objects.get_or_create(team=owner, name="desk", defaults={"title": "Desk"})
    if agent.live is None:
        agent.live = AgentVersion.objects.create(agent=agent, number=1, system_prompt="p", tools=["no_such_tool"])
        agent.save()
    limits = {"max_steps": 9, "max_tool_calls": 9, "max_tokens": 9000, "max_cost_usd": 1, "max_seconds": 60}
    return Run.objects.create(
        team=owner, agent=agent, agent_name="desk", version=agent.live, goal="Answer the mail", **{**limits, **values}
    )


def held_call(run: Run, tier: str = "high", **request: object) -> ApprovalRequest:
    step = Step.objects.create(
        run=run, number=run.step_set.count() + 1, status="answered", fence=1, input={}, opened_at=timezone.now()
    )
    call = ToolCall.objects.create(
        run=run, step=step, position=0, tool_use_id="t", tool="refund_order", raw_arguments={},
        proposed_at=timezone.now(),
        arguments={"order": "A-1"}, status="held", tier=tier, effect="Refund 5 USD to A-1", bound_hash="h",
    )  # fmt: skip
    values = {"effect": "Refund 5 USD to A-1", "arguments": {"order": "A-1"}, **request}
    return ApprovalRequest.objects.create(
        team=run.team, tier=tier, tool="refund_order", bound_hash="h", subject_kind="tool_call",
        subject_id=str(call.pk), context={"run_id": str(run.pk), "step": step.number}, **values,
    )  # fmt: skip


def decide(client: Client, request: ApprovalRequest, **values: object) -> object:
    address = reverse("approval-decision", args=[request.pk])
    return client.post(address, {"revision": request.revision, **values}, **PARTIAL)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_shows_itself_when_there_is_nothing(name: str) -> None:
    assert person("ada", team(), "admin").get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_no_page_has_inline_style_or_script(name: str) -> None:
    owner = team()
    held_call(run_of(owner, status="waiting", waiting_on="approval"))
    page = person("ada", owner, "admin").get(reverse(name)).content.decode()
    assert not re.search(r'\sstyle="|\son\w+="|<style|<script(?![^>]*\ssrc=)', page)


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_is_sent_to_sign_in(name: str) -> None:
    assert Client().get(reverse(name)).status_code == 302


def test_other_teams_runs_and_requests_are_not_there() -> None:
    run = run_of(team("others"), status="waiting", waiting_on="approval")
    request = held_call(run)
    mine = person("ada", team(), "admin")
    for address in (
        reverse("run", args=[run.pk]),
        reverse("approval", args=[request.pk]),
        reverse("run-updates", args=[run.pk]),
    ):
        assert mine.get(address).status_code == 404
    assert decide(mine, request, decision="approve").status_code == 404
    assert "Refund 5 USD" not in mine.get(reverse("approvals")).content.decode()
    assert str(run.pk) not in mine.get(reverse("runs-rows"), {"ids": str(run.pk)}).content.decode()


def test_a_viewer_sees_the_request_but_no_button() -> None:
    owner = team()
    request = held_call(run_of(owner, status="waiting", waiting_on="approval"))
    page = person("vera", owner, "viewer").get(reverse("approval", args=[request.pk])).content.decode()
    assert "Refund 5 USD" in page
    assert 'value="approve"' not in page


def test_a_viewer_who_decides_anyway_changes_nothing() -> None:
    owner = team()
    request = held_call(run_of(owner, status="waiting", waiting_on="approval"))
    assert decide(person("vera", owner, "viewer"), request, decision="approve").status_code == 403
    request.refresh_from_db()
    assert request.status == "pending"


def test_approving_answers_with_the_decided_request_and_tells_the_page() -> None:
    owner = team()
    request = held_call(run_of(owner, status="waiting", waiting_on="approval"))
    response = decide(person("kim", owner, "approver"), request, decision="approve")
    assert response.status_code == 200
    assert "decided" in response["HX-Trigger"]
    request.refresh_from_db()
    assert (request.status, request.decided_by_name) == ("approved", "kim")


def test_the_second_is_told_who_was_first() -> None:
    owner = team()
    request = held_call(run_of(owner, status="waiting", waiting_on="approval"))
    decide(person("kim", owner, "approver"), request, decision="reject", reason="Too much")
    response = decide(person("lea", owner, "approver"), request, decision="approve")
    assert response.status_code == 409
    page = response.content.decode()
    assert "your decision was not taken" in page
    assert "by kim" in page
    assert "Too much" in page


@pytest.mark.parametrize(
    "values",
    [
        {"decision": "yes"},
        {"decision": "approve", "revision": "x"},
        {"decision": "approve", "revision": "٣"},
        {"decision": "approve", "revision": "99"},
        {"decision": "done"},
    ],
)
def test_a_decision_that_makes_no_sense_changes_nothing(values: dict[str, str]) -> None:
    owner = team()
    request = held_call(run_of(owner, status="waiting", waiting_on="approval"))
    assert decide(person("kim", owner, "approver"), request, **values).status_code == 422
    request.refresh_from_db()
    assert request.status == "pending"


def test_a_critical_request_has_a_report_and_no_approve_button() -> None:
    owner = team()
    request = held_call(run_of(owner, status="waiting", waiting_on="approval"), tier="critical")
    page = person("kim", owner, "approver").get(reverse("approval", args=[request.pk])).content.decode()
    assert 'value="done"' in page
    assert 'value="approve"' not in page


def test_hidden_characters_are_written_out() -> None:
    owner = team()
    run = run_of(owner, status="waiting", waiting_on="approval")
    request = held_call(run, effect="Pay \u202eevil", arguments={"to": "a\u200bb"})
    page = person("kim", owner, "approver").get(reverse("approval", args=[request.pk])).content.decode()
    assert "\u202e" not in page
    assert "\u200b" not in page
    assert "⟨U+202E⟩" in page


def test_what_a_model_wrote_cannot_become_markup() -> None:
    owner = team()
    answer = "<script>alert(1)</script> ![x](https://e.example/x.png) [go](javascript:alert(1))"
    run = run_of(owner, status="succeeded", ended_at=timezone.now(), answer=answer)
    page = person("kim", owner, "viewer").get(reverse("run", args=[run.pk])).content.decode()
    assert "<script>alert" not in page
    assert "e.example/x.png" not in re.sub(r'href="[^"]*"', "", page)
    assert 'href="javascript' not in page


def test_updates_bring_new_steps_and_nothing_twice() -> None:
    owner = team()
    run = run_of(owner, status="running", seq=3)
    for number in (1, 2):
        Step.objects.create(run=run, number=number, status="answered", fence=1, input={}, opened_at=timezone.now())
    client = person("kim", owner, "viewer")
    address = reverse("run-updates", args=[run.pk])
    page = client.get(address, {"after": 3, "last": 1}, **PARTIAL).content.decode()
    assert 'id="step-2"' in page
    assert 'id="step-1"' not in page
    assert 'id="step-2"' not in client.get(address, {"after": 3, "last": 2}, **PARTIAL).content.decode()


def test_the_run_page_costs_the_same_however_many_steps(django_assert_max_num_queries: object) -> None:
    owner = team()
    run = run_of(owner, status="waiting", waiting_on="approval")
    for _ in range(30):
        held_call(run)
    client = person("kim", owner, "approver")
    with django_assert_max_num_queries(18):  # type: ignore[operator]
        assert client.get(reverse("run", args=[run.pk])).status_code == 200


def test_runs_are_paged_without_gaps() -> None:
    owner = team()
    runs = {str(run_of(owner).pk) for _ in range(60)}
    client = person("kim", owner, "viewer")
    first = client.get(reverse("runs")).content.decode()
    cursor = re.search(r"cursor=([\w%-]+)", first)
    assert cursor
    second = client.get(f"{reverse('runs')}?cursor={cursor[1]}").content.decode()
    found = [set(re.findall(r'data-id="([0-9a-f-]+)"', page)) for page in (first, second)]
    assert found[0] | found[1] == runs
    assert not found[0] & found[1]


@pytest.mark.parametrize("cursor", ["x", "%00", "4pyT", "MjAyNi0xMS0yMXwx"])
def test_a_broken_cursor_shows_the_start(cursor: str) -> None:
    owner = team()
    run = run_of(owner)
    assert str(run.pk) in person("kim", owner, "viewer").get(f"{reverse('runs')}?cursor={cursor}").content.decode()


def test_search_finds_by_words_of_the_effect() -> None:
    owner = team()
    run = run_of(owner, status="waiting", waiting_on="approval")
    held_call(run, effect="Refund lamp")
    held_call(run, effect="Delete chair")
    page = person("kim", owner, "viewer").get(reverse("approvals"), {"q": "lamp\x00 refund"}).content.decode()
    assert "Refund lamp" in page
    assert "Delete chair" not in page


def test_a_goal_that_is_refused_stays_in_its_field() -> None:
    owner = team()
    run_of(owner)
    response = person("olga", owner, "operator").post(
        reverse("run-new"), {"agent": "support/desk", "goal": "keep me", "max_steps": "-4"}
    )
    assert response.status_code == 422
    assert "keep me" in response.content.decode()
    assert Run.objects.count() == 1


def test_the_same_form_sent_twice_starts_one_run() -> None:
    owner = team()
    agent = run_of(owner).agent
    AgentVersion.objects.filter(agent=agent).update(tools=[])
    client = person("olga", owner, "operator")
    form = {"agent": "support/desk", "goal": "Answer", "key": "k" * 32}
    addresses = {client.post(reverse("run-new"), form)["Location"] for _ in range(2)}
    assert len(addresses) == 1
    assert Run.objects.count() == 2


def test_a_viewer_cannot_steer_a_run() -> None:
    owner = team()
    run = run_of(owner)
    client = person("vera", owner, "viewer")
    assert "run-cancel" not in client.get(reverse("run", args=[run.pk])).content.decode()
    assert client.post(reverse("run-cancel", args=[run.pk]), **PARTIAL).status_code == 403
    run.refresh_from_db()
    assert run.status == "queued"


def test_the_overview_names_what_waits() -> None:
    owner = team()
    run = run_of(owner, status="waiting", waiting_on="approval")
    held_call(run, tier="medium", decide_at=timezone.now() + timedelta(minutes=4), on_deadline="approve")
    run_of(owner, status="waiting", waiting_on="budget", waiting_since=timezone.now())
    page = person("kim", owner, "approver").get(reverse("overview")).content.decode()
    assert "1 approval" in page
    assert 'data-deadline="' in page
    assert "Budget" in page
