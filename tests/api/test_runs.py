"""Runs over REST: start once, read, page, stop."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agentops.accounts.models import Role
from runs.models import Run, ToolCall

from . import factories
from .problems import assert_problem

pytestmark = pytest.mark.django_db

GOOD = {"agent": "helper", "goal": "Do it.", "inputs": {"order": "A-1"}, "limits": {"max_cost_usd": "0.5"}}


@pytest.fixture
def team() -> Any:
    team = factories.team()
    factories.agent(team, "helper")
    return team


@pytest.fixture
def client(team: Any) -> Any:
    return factories.caller(factories.person(team))


def start(client: Any, body: Any = GOOD, key: str = "") -> Any:
    return client.post("/api/runs", body, "application/json", headers={"Idempotency-Key": key} if key else {})


def test_a_run_starts_and_says_where_it_is(client: Any, team: Any) -> None:
    answer = start(client)
    assert answer.status_code == 201
    run = answer.json()
    assert answer["Location"] == f"/api/runs/{run['id']}"
    assert (run["agent"], run["agent_version"], run["team"], run["status"]) == (
        "helper",
        1,
        team.slug,
        "queued",
    )
    assert (run["waiting_on"], run["stop_reason"], run["answer"], run["started_via"]) == ("", "", "", "api")
    assert Decimal(run["limits"]["max_cost_usd"]) == Decimal("0.5") and run["limits"]["max_steps"] == 30
    assert client.get(answer["Location"]).json() == run


def test_money_is_exact_text(client: Any) -> None:
    run = Run.objects.get(pk=start(client).json()["id"])
    Run.objects.filter(pk=run.pk).update(cost_usd=Decimal("0.10000001"))
    assert client.get(f"/api/runs/{run.pk}").json()["cost_usd"] == "0.10000001"


def test_a_repeat_under_one_key_gets_the_same_run(client: Any) -> None:
    first, second = start(client, key="k-1"), start(client, key="k-1")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Run.objects.count() == 1


def test_another_body_under_the_same_key_is_a_conflict(client: Any) -> None:
    start(client, key="k-1")
    assert_problem(start(client, GOOD | {"goal": "Something else."}, key="k-1"), 409)
    assert Run.objects.count() == 1


def test_one_persons_key_is_not_anothers(client: Any, team: Any) -> None:
    start(client, key="k-1")
    assert start(factories.caller(factories.person(team)), key="k-1").status_code == 201


def test_pages_hold_each_run_once_even_when_new_ones_arrive(client: Any, team: Any) -> None:
    agent = team.agents.get()
    made = [str(factories.run(agent).pk) for _ in range(7)]
    Run.objects.update(created_at="2026-01-01T10:00:00.123456Z")
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = client.get("/api/runs", {"limit": 3, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        factories.run(agent)
    assert sorted(seen) == sorted(made)


def test_a_cursor_of_one_list_opens_no_other(client: Any, team: Any) -> None:
    for _ in range(2):
        factories.run(factories.agent(team))
    cursor = client.get("/api/runs?limit=1").json()["next_cursor"]
    for address in ["/api/agents", "/api/approvals"]:
        assert_problem(client.get(address, {"cursor": cursor}), 422, "cursor")
    assert_problem(client.get("/api/runs", {"cursor": cursor[:-1]}), 422, "cursor")


def test_runs_come_newest_first_and_can_be_filtered(client: Any, team: Any) -> None:
    agent, other = team.agents.get(), factories.agent(team, "other")
    for of in (agent, other, agent):
        factories.run(of)
    paused = factories.run(other, status=Run.Status.PAUSED)
    times = [item["created_at"] for item in client.get("/api/runs").json()["items"]]
    assert all(a >= b for a, b in pairwise(times)) and len(times) == 4
    assert len(client.get("/api/runs?agent=other").json()["items"]) == 2
    assert [item["id"] for item in client.get("/api/runs?status=paused").json()["items"]] == [str(paused.pk)]


def test_a_plan_tells_its_steps_and_the_runs_that_carried_them_out(client: Any, team: Any) -> None:
    run = factories.run(team.agents.get())
    address = f"/api/runs/{run.pk}/plan"
    assert_problem(client.get(address), 404)
    run.plans.create(number=1, status="superseded")
    plan = run.plans.create(number=2, status="approved", edited_by_name="Ada")
    known = {"instruction": "Do it.", "max_tool_calls": 3, "tools": ["read_file"]}
    over = {"status": "succeeded", "ended_at": timezone.now()}
    look = plan.steps.create(position=0, key="look", title="Look", status="done", tries=2, result="All well.", **known)
    plan.steps.create(position=1, key="tell", title="Tell", after=["look"], **known)
    tries = [factories.run(run.agent, parent=run, depth=1, plan_step=look, **over) for _ in range(2)]
    told = client.get(address).json()
    assert (told["number"], told["status"], told["edited_by"]) == (2, "approved", "Ada")
    assert [(step["key"], step["status"], step["after"]) for step in told["steps"]] == [
        ("look", "done", []),
        ("tell", "pending", ["look"]),
    ]
    first = told["steps"][0]
    assert first["runs"] == [str(one.pk) for one in tries] and told["steps"][1]["runs"] == []
    assert (first["tries"], first["tools"], first["max_tool_calls"]) == (2, ["read_file"], 3)
    assert (first["result"], first["instruction"]) == ("All well.", "Do it.")


def test_approvals_are_found_by_the_run_that_asks(client: Any, team: Any) -> None:
    one, other = (factories.run(team.agents.get()) for _ in range(2))
    asked, _ = (factories.held(of, context={"run_id": str(of.pk)}) for of in (one, other))
    found = client.get(f"/api/approvals?run={one.pk}").json()["items"]
    assert [item["id"] for item in found] == [str(asked.pk)]
    assert_problem(client.get("/api/approvals?run=nobody"), 422, "run")


@pytest.mark.parametrize(
    "address",
    ["/api/runs", "/api/agents", "/api/approvals", "{run}/steps", "{run}/tool-calls", "{run}/events"],
)
def test_a_longer_list_takes_no_more_queries(address: str, client: Any, team: Any) -> None:
    agent = team.agents.get()
    run = factories.run(agent)
    address = address.format(run=f"/api/runs/{run.pk}")

    def add(number: int) -> None:
        factories.run(factories.agent(team))
        factories.request(team)
        factories.event(run, number)
        step = factories.step(run, number)
        factories.call(step)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    add(1)
    queries()  # the first request also notes that the token was used
    short = queries()
    for number in range(2, 8):
        add(number)
    assert queries() == short
    assert len(client.get(address).json()["items"]) >= 7


def test_steps_calls_and_events_are_read_in_order(client: Any, team: Any) -> None:
    run = factories.run(team.agents.get())
    for number in (1, 2, 3):
        step = factories.step(run, number)
        factories.call(step, 0)
        factories.call(step, 1)
        factories.event(run, number)
    at = f"/api/runs/{run.pk}"
    assert [item["number"] for item in client.get(f"{at}/steps").json()["items"]] == [1, 2, 3]
    first = client.get(f"{at}/tool-calls?limit=4").json()
    rest = client.get(f"{at}/tool-calls", {"cursor": first["next_cursor"]}).json()
    assert [item["step"] for item in first["items"] + rest["items"]] == [1, 1, 2, 2, 3, 3]
    assert [item["seq"] for item in client.get(f"{at}/events?after=1").json()["items"]] == [2, 3]


def test_cancelling_twice_is_a_conflict(client: Any) -> None:
    at = f"/api/runs/{start(client).json()['id']}/cancellation"
    answer = client.post(at, {"reason": "not needed"}, "application/json")
    assert (answer.status_code, answer.json()["status"], answer.json()["stop_detail"]) == (
        200,
        "cancelled",
        "not needed",
    )
    assert_problem(client.post(at, content_type="application/json"), 409)


def test_a_run_pauses_and_goes_on(client: Any) -> None:
    at = f"/api/runs/{start(client).json()['id']}/suspension"
    assert client.post(at).json()["status"] == "paused"
    assert_problem(client.post(at), 409)
    assert client.delete(at).json()["status"] == "queued"
    assert_problem(client.delete(at), 409)


def test_a_person_says_what_became_of_a_call_in_doubt(team: Any) -> None:
    run = factories.run(team.agents.get(), status="waiting", waiting_on="in_doubt")
    call = factories.call(factories.step(run), status=ToolCall.Status.IN_DOUBT)
    approver = factories.person(team, Role.APPROVER)
    at = f"/api/runs/{run.pk}/tool-calls/{call.pk}/resolution"
    body = {"outcome": "happened", "note": "Seen in the shop."}
    answer = factories.caller(approver).post(at, body, "application/json")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["resolved_by"]) == ("succeeded", approver.username)
    assert_problem(factories.caller(approver).post(at, body, "application/json"), 409)


def test_a_decision_that_comes_second_is_told_who_was_first(team: Any) -> None:
    request = factories.held(factories.run(team.agents.get()))
    first, second = factories.person(team, Role.APPROVER), factories.person(team, Role.APPROVER)
    at = f"/api/approvals/{request.pk}/decision"
    body = {"decision": "reject", "revision": 1, "reason": "Wrong order."}
    assert factories.caller(first).post(at, body, "application/json").status_code == 200
    told = assert_problem(factories.caller(second).post(at, body, "application/json"), 409)
    assert (told["decided_by"], told["decision"]) == (first.username, "reject") and told["decided_at"]


def test_agents_show_their_live_version(client: Any) -> None:
    shown = client.get("/api/agents/helper").json()
    assert (shown["name"], shown["active"], shown["version"]["number"]) == ("helper", True, 1)


def test_a_teams_own_tier_counts_for_its_tools(client: Any, team: Any) -> None:
    from approvals.models import ToolTier

    ToolTier.objects.create(team=None, tool="send_email", tier="high")
    ToolTier.objects.create(team=team, tool="send_email", tier="critical")
    ToolTier.objects.create(team=factories.team(), tool="send_email", tier="low")
    tools = {tool["name"]: tool for tool in client.get("/api/tools").json()["items"]}
    assert (tools["send_email"]["tier"], tools["send_email"]["own_tier"]) == ("critical", "medium")
    assert tools["read_file"]["reads_only"] and tools["read_file"]["input_schema"]["type"] == "object"
