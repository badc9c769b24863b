"""What people and programs do to runs: started once, within limits, by those who may."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from agentops.accounts.models import Role
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs.actions import (
    cancel_run,
    pause_run,
    publish_agent,
    resolve_in_doubt,
    resume_run,
    save_budget,
    start_run,
)
from runs.models import Agent, Budget, Event, Run, ToolCall

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


def start(by: Any, agent: Agent, **options: Any) -> tuple[Run, bool]:
    return start_run(by, agent=agent.name, via="api", **{"goal": "Do it.", **options})


def test_one_key_starts_one_run() -> None:
    agent = make.agent(make.team())
    boss = make.admin(agent.team)
    first, created = start(boss, agent, idempotency_key="k")
    again, created_again = start(boss, agent, idempotency_key="k")
    assert (first.pk, created, created_again) == (again.pk, True, False)
    other, _ = start(make.admin(agent.team), agent, idempotency_key="k")
    assert other.pk != first.pk


def test_a_key_with_another_body_is_refused() -> None:
    agent = make.agent(make.team())
    boss = make.admin(agent.team)
    start(boss, agent, idempotency_key="k")
    for change in ({"goal": "Else."}, {"inputs": {"a": 1}}, {"limits": {"max_steps": 2}}):
        with pytest.raises(Conflict, match="another request"):
            start(boss, agent, idempotency_key="k", **change)
    assert Run.objects.count() == 1


def test_eight_requests_at_once_with_one_key_start_one_run() -> None:
    agent = make.agent(make.team())
    boss = make.admin(agent.team)
    results = make.at_once(*[lambda: start(boss, agent, idempotency_key="k")] * 8)
    assert sorted(created for _, created in results) == [False] * 7 + [True]
    assert len({run.pk for run, _ in results}) == Run.objects.count() == 1


def test_limits_may_only_be_tighter() -> None:
    agent = make.agent(make.team(), max_steps=10)
    boss = make.admin(agent.team)
    run, _ = start(boss, agent, limits={"max_steps": 3, "max_cost_usd": "0.25"})
    assert (run.max_steps, run.max_cost_usd) == (3, Decimal("0.25"))
    assert run.max_seconds == agent.live.max_seconds


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("max_steps", 11),
        ("max_steps", 0),
        ("max_steps", -1),
        ("max_steps", 1.5),
        ("max_steps", True),
        ("max_steps", "3"),
        ("max_steps", [3]),
        ("max_cost_usd", "NaN"),
        ("max_cost_usd", "Infinity"),
        ("max_cost_usd", -1),
        ("max_fun", 3),
    ],
)
def test_a_limit_that_makes_no_sense_names_its_field(limit: str, value: Any) -> None:
    agent = make.agent(make.team(), max_steps=10)
    with pytest.raises(InvalidInput) as refused:
        start(make.admin(agent.team), agent, limits={limit: value})
    assert refused.value.field == f"limits.{limit}"
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("goal", {"goal": " "}),
        ("goal", {"goal": "a\x00b"}),
        ("goal", {"goal": "x" * 100_001}),
        ("goal", {"goal": "\ud800"}),
        ("inputs.a", {"inputs": {"a": [1]}}),
        ("inputs.a", {"inputs": {"a": float("nan")}}),
        ("inputs.a", {"inputs": {"a": "\x00"}}),
        ("inputs", {"inputs": {"a": "x" * 60_000, "b": "x" * 60_000}}),
        ("Idempotency-Key", {"idempotency_key": "k" * 201}),
        ("agent", {"agent": "nobody"}),
    ],
)
def test_bad_input_starts_nothing(field: str, options: dict[str, Any]) -> None:
    agent = make.agent(make.team())
    with pytest.raises(InvalidInput) as refused:
        start_run(make.admin(agent.team), **{"agent": agent.name, "goal": "Do it.", "via": "api", **options})
    assert refused.value.field == field
    assert not Run.objects.exists()


ALL = {Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.ADMIN}
Act = Callable[[Any, Run, ToolCall], Any]


def publish(by: Any, run: Run, call: ToolCall) -> Any:
    return publish_agent(by, run.agent, system_prompt="Else.")


def team_budget(by: Any, run: Run, call: ToolCall) -> Any:
    return save_budget(by, Budget(team=run.team, period="day", limit_usd=5))


MAY: list[tuple[Act, set[Role]]] = [
    (lambda by, run, call: start(by, run.agent), {Role.OPERATOR, Role.ADMIN}),
    (lambda by, run, call: cancel_run(by, run.pk), {Role.OPERATOR, Role.ADMIN}),
    (lambda by, run, call: pause_run(by, run.pk), {Role.OPERATOR, Role.ADMIN}),
    (lambda by, run, call: resolve_in_doubt(by, call.pk, "happened"), {Role.APPROVER, Role.ADMIN}),
    (publish, {Role.ADMIN}),
    (team_budget, {Role.ADMIN}),
]


def in_doubt(take: Take) -> tuple[Run, ToolCall]:
    run = make.run()
    hand = take(run)
    hand.open()
    [call] = hand.answer(make.answer("note"))
    hand.settle(call, status="in_doubt")
    return run, ToolCall.objects.get(pk=call.id)


@pytest.mark.parametrize(("act", "who"), MAY, ids=["start", "cancel", "pause", "resolve", "publish", "budget"])
def test_who_may(act: Act, who: set[Role], take: Take) -> None:
    run, call = in_doubt(take)
    before = Run.objects.filter(pk=run.pk).values().get()
    for role in ALL - who:
        with pytest.raises(NotAllowed, match="may not"):
            act(make.person(run.team, role), run, call)
    elsewhere = make.admin(make.team())
    with pytest.raises((NotAllowed, InvalidInput, Run.DoesNotExist, ToolCall.DoesNotExist)):
        act(elsewhere, run, call)
    assert Run.objects.filter(pk=run.pk).values().get() == before
    act(make.person(run.team, min(who)), run, call)


def test_the_budget_for_everything_is_a_superusers() -> None:
    ours = make.team()
    everything = Budget(period="day", limit_usd=5)
    with pytest.raises(NotAllowed, match="superuser"):
        save_budget(make.admin(ours), everything)
    assert save_budget(make.person(superuser=True), everything).pk


def test_pausing_and_resuming_name_the_person_and_refuse_a_second_time() -> None:
    run = make.run()
    boss = make.admin(run.team)
    assert pause_run(boss, run.pk).status == "paused"
    with pytest.raises(Conflict):
        pause_run(boss, run.pk)
    assert resume_run(boss, run.pk).status == "queued"
    with pytest.raises(Conflict):
        resume_run(boss, run.pk)
    acted = Event.objects.filter(run=run, kind="person.acted").values_list("data", flat=True)
    assert [(data["by"], data["action"]) for data in acted] == [(str(boss), "paused"), (str(boss), "resumed")]


def test_an_ended_run_cannot_be_cancelled_again() -> None:
    run = make.run()
    boss = make.admin(run.team)
    cancel_run(boss, run.pk, "enough")
    with pytest.raises(Conflict, match="ended already"):
        cancel_run(boss, run.pk)
    run.refresh_from_db()
    assert (run.status, run.stop_reason, run.stop_detail) == ("cancelled", "cancelled", "enough")


def test_publishing_makes_a_version_only_when_something_changed() -> None:
    run = make.run()
    boss, agent = make.admin(run.team), run.agent
    second = publish_agent(boss, agent, max_steps=7)
    assert (second.number, second.max_steps, second.system_prompt) == (2, 7, "Help.")
    assert publish_agent(boss, agent, max_steps=7) == second
    run.refresh_from_db()
    assert run.version.number == 1, "a run under way keeps its version"
    assert start(boss, agent)[0].version == second


@pytest.mark.parametrize(
    ("field", "value"),
    [("system_prompt", " "), ("tools", ["no_such"]), ("model_chain", []), ("max_steps", 0), ("colour", "red")],
)
def test_a_version_that_cannot_work_is_not_published(field: str, value: Any) -> None:
    agent = make.agent(make.team())
    with pytest.raises(InvalidInput) as refused:
        publish_agent(make.admin(agent.team), agent, **{field: value})
    assert refused.value.field == field
    assert agent.versions.count() == 1


@pytest.mark.parametrize(
    ("outcome", "status", "told"),
    [("happened", "succeeded", "was done"), ("did_not_happen", "failed", "not done"), ("do_it_now", "approved", "")],
)
def test_a_call_in_doubt_is_settled_once(take: Take, outcome: str, status: str, told: str) -> None:
    run, call = in_doubt(take)
    ada, bob = (make.person(run.team, Role.APPROVER) for _ in range(2))
    settled = resolve_in_doubt(ada, call.pk, outcome, "I looked.")
    assert settled.status == status
    assert told in settled.result_text
    with pytest.raises(Conflict, match=f"by {ada}"):
        resolve_in_doubt(bob, call.pk, "happened")
    with pytest.raises(InvalidInput):
        resolve_in_doubt(bob, call.pk, "maybe")
