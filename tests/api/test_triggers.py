"""REST of triggers: made, changed, tried, and a secret that is told once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from agentops.accounts.access import Actor
from agentops.accounts.models import Role
from runs import actions, hooks
from runs.models import Run, Trigger

from . import factories
from .problems import assert_problem

pytestmark = pytest.mark.django_db

SCHEDULE = {"kind": "schedule", "name": "Daily", "goal": "Look.", "cron": "0 9 * * *", "timezone": "Europe/Berlin"}
WEBHOOK = {"kind": "webhook", "name": "Orders", "goal": "Look.", "mapping": {"id": "/id"}}


class Program:
    def __init__(self, role: Role = Role.OPERATOR) -> None:
        self.team = factories.team()
        self.agent = factories.agent(self.team, "helper")
        self.user = factories.person(self.team, role)
        self.client = factories.caller(self.user, "runs:read", "runs:write")

    def post(self, address: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(f"/api/triggers{address}", body or {}, "application/json", headers=headers)

    def patch(self, address: str, body: Any) -> Any:
        return self.client.patch(f"/api/triggers{address}", body, "application/json")

    def get(self, address: str) -> Any:
        return self.client.get(f"/api/triggers{address}")

    def make(self, body: dict[str, Any]) -> Any:
        answer = self.post("", {"agent": "helper", **body})
        assert answer.status_code == 201, answer.content
        return answer.json()


@pytest.fixture
def program() -> Program:
    return Program()


def test_a_schedule_says_when_it_is_due(program: Program) -> None:
    made = program.make({**SCHEDULE, "limits": {"max_cost_usd": "0.50"}, "priority": 1})
    assert (made["agent"], made["team"], made["owner"]) == ("helper", program.team.slug, program.user.username)
    assert (made["secret"], made["address"], made["limits"]) == (None, None, {"max_cost_usd": "0.50"})
    times = [datetime.fromisoformat(time) for time in made["coming"]]
    assert len(times) == 5 and times == sorted(times) and made["next_at"] == made["coming"][0]
    assert program.get(f"/{made['id']}").json() == {name: value for name, value in made.items() if name != "secret"}


def test_a_webhooks_secret_is_told_when_it_is_made_and_when_it_is_replaced(program: Program) -> None:
    made = program.make(WEBHOOK)
    trigger = Trigger.objects.get()
    assert made["secret"] == hooks.secret_of(trigger)
    assert made["address"] == f"http://testserver/hooks/{trigger.pk}"
    assert "secret" not in program.get(f"/{trigger.pk}").json()
    replaced = program.post(f"/{trigger.pk}/secret").json()["secret"]
    trigger.refresh_from_db()
    assert replaced == hooks.secret_of(trigger) != made["secret"]


def test_a_repeat_makes_nothing_and_tells_no_secret(program: Program) -> None:
    body = {"agent": "helper", **WEBHOOK}
    first, second = (program.post("", body, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["secret"] and second.json()["secret"] is None
    assert first.json()["id"] == second.json()["id"] and Trigger.objects.count() == 1


def test_what_is_left_out_of_a_change_stays(program: Program) -> None:
    made = program.make(SCHEDULE)
    changed = program.patch(f"/{made['id']}", {"cron": "30 8 * * *", "active": True}).json()
    assert (changed["goal"], changed["cron"], changed["timezone"]) == ("Look.", "30 8 * * *", "Europe/Berlin")
    assert changed["next_at"] != made["next_at"]
    off = program.patch(f"/{made['id']}", {"active": False}).json()
    assert (off["active"], off["next_at"], off["coming"]) == (False, None, [])


def test_a_switch_alone_changes_no_owner(program: Program) -> None:
    made = program.make(SCHEDULE)
    other = factories.caller(factories.person(program.team, Role.OPERATOR), "runs:read", "runs:write")
    told = other.patch(f"/api/triggers/{made['id']}", {"active": False}, "application/json").json()
    assert told["owner"] == program.user.username


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("cron", {"cron": "61 * * * *"}),
        ("cron", {"cron": ""}),
        ("timezone", {"timezone": "Mars/Olympus"}),
        ("agent", {"agent": "nobody"}),
        ("goal", {"goal": ""}),
        ("goal", {"goal": "  "}),
        ("kind", {"kind": "tide"}),
        ("missed", {"missed": "all"}),
        ("limits.max_steps", {"limits": {"max_steps": 31}}),
        ("mapping", {"mapping": {"x": "/x"}}),
        ("crom", {"crom": "* * * * *"}),
    ],
)
def test_what_cannot_work_is_refused_by_its_field(program: Program, field: str, given: dict[str, Any]) -> None:
    assert_problem(program.post("", {"agent": "helper", **SCHEDULE, **given}), 422, field)
    assert not Trigger.objects.exists()


def test_a_change_that_cannot_work_changes_nothing(program: Program) -> None:
    made = program.make(SCHEDULE)
    assert_problem(program.patch(f"/{made['id']}", {"goal": "Else.", "cron": "61 * * * *"}), 422, "cron")
    assert Trigger.objects.get().goal == "Look."


def test_trying_one_starts_a_run_and_is_seen_in_the_history(program: Program) -> None:
    made = program.make(WEBHOOK)
    answer = program.post(f"/{made['id']}/test", {"body": {"id": 7}}, **{"Idempotency-Key": "k"})
    assert answer.status_code == 201, answer.content
    fired = answer.json()
    run = Run.objects.get()
    assert (fired["run"], fired["test"], fired["by"]) == (str(run.pk), True, program.user.username)
    assert run.inputs == {"id": 7}
    assert program.post(f"/{made['id']}/test", {"body": {"id": 7}}, **{"Idempotency-Key": "k"}).status_code == 200
    assert program.get(f"/{made['id']}/firings").json()["items"] == [fired]
    assert Run.objects.count() == 1


def test_a_schedule_is_tried_without_a_body_and_has_no_secret(program: Program) -> None:
    made = program.make(SCHEDULE)
    assert_problem(program.post(f"/{made['id']}/test", {"body": {}}), 422, "body")
    assert_problem(program.post(f"/{made['id']}/secret"), 422, "kind")
    assert program.post(f"/{made['id']}/test").status_code == 201


def test_a_try_that_is_refused_says_why(program: Program) -> None:
    inputs = [
        {"name": "id", "label": "Id", "kind": "number", "required": True, "help": "", "choices": [], "default": None}
    ]
    program.agent.live.inputs = inputs
    program.agent.live.save()
    made = program.make(WEBHOOK)
    assert "/id" in assert_problem(program.post(f"/{made['id']}/test", {"body": {}}), 422, "inputs.id")["detail"]
    assert not Run.objects.exists()


def test_lists_go_page_by_page_and_by_kind(program: Program) -> None:
    for n in range(3):
        program.make({**SCHEDULE, "name": f"Daily {n}"})
    program.make(WEBHOOK)
    first = program.get("?limit=2").json()
    rest = program.get(f"?limit=2&cursor={first['next_cursor']}").json()
    assert [row["name"] for row in first["items"] + rest["items"]] == ["Daily 0", "Daily 1", "Daily 2", "Orders"]
    assert [row["name"] for row in program.get("?kind=webhook&agent=helper").json()["items"]] == ["Orders"]
    trigger = Trigger.objects.get(name="Orders")
    for n in range(3):
        actions.try_trigger(Actor(program.user), trigger, key=str(n), body={"id": n})
    page = program.get(f"/{trigger.pk}/firings?limit=2").json()
    assert len(page["items"]) == 2 and page["next_cursor"]


def test_what_is_deleted_is_gone(program: Program) -> None:
    made = program.make(SCHEDULE)
    assert program.client.delete(f"/api/triggers/{made['id']}").status_code == 204
    assert_problem(program.get(f"/{made['id']}"), 404)


def test_another_teams_triggers_are_not_there(program: Program) -> None:
    made = program.make(SCHEDULE)
    stranger = Program(Role.ADMIN)
    assert stranger.get("").json()["items"] == []
    assert_problem(stranger.get(f"/{made['id']}"), 404)
    assert_problem(stranger.patch(f"/{made['id']}", {"active": False}), 404)
