"""Planning, handing work over, the answer's schema, success criteria and context over REST; outcomes of runs."""

from __future__ import annotations

from typing import Any

import pytest

from runs.models import Agent, Run

from . import factories
from .problems import assert_problem
from .world import World

pytestmark = pytest.mark.django_db

AT = "/api/agents/{agent}"
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
JUDGE = {"kind": "judge", "question": "Is every order named?"}
CHECK = {"kind": "check", "expression": "data.total > 0.0", "message": "Give the total."}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ask(world: World) -> Any:
    client = factories.caller(factories.person(world.team))
    return lambda method, address, body=None: world.ask(client, method, address, body)


def test_every_setting_is_written_and_read(ask: Any, world: World) -> None:
    factories.agent(world.team, "clerk")
    settings = {
        "planning": "plan",
        "delegates_to": ["clerk"],
        "max_children": 7,
        "max_parallel_children": 3,
        "max_depth": 1,
        "context_tokens": 50_000,
        "summary_chain": ["small"],
        "answer_schema": SCHEMA,
        "success": [JUDGE, CHECK],
    }
    made = ask("post", f"{AT}/versions", settings)
    assert made.status_code == 201
    assert {name: made.json()[name] for name in settings} == settings
    assert ask("post", f"{AT}/versions", settings).status_code == 200, "nothing changed"


def test_null_takes_a_schema_and_a_room_away_and_left_out_keeps_them(ask: Any) -> None:
    ask("post", f"{AT}/versions", {"answer_schema": SCHEMA, "context_tokens": 50_000})
    kept = ask("post", f"{AT}/versions", {"system_prompt": "Help more."}).json()
    assert (kept["answer_schema"], kept["context_tokens"]) == (SCHEMA, 50_000)
    gone = ask("post", f"{AT}/versions", {"answer_schema": None, "context_tokens": None}).json()
    assert (gone["answer_schema"], gone["context_tokens"]) == (None, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"planning": "sometimes"}, "planning"),
        ({"delegates_to": ["nobody"]}, "delegates_to"),
        ({"delegates_to": "clerk"}, "delegates_to"),
        ({"max_children": 0}, "max_children"),
        ({"max_depth": 11}, "max_depth"),
        ({"max_children": 3}, "max_parallel_children"),
        ({"max_children": 50, "max_parallel_children": 51}, "max_parallel_children"),
        ({"max_parallel_calls": 101}, "max_parallel_calls"),
        ({"answer_schema": {"type": "array", "minItems": 10**400}}, "answer_schema"),
        ({"max_parallel_children": True}, "max_parallel_children"),
        ({"context_tokens": 3_999}, "context_tokens"),
        ({"context_tokens": 5_000}, "context_tokens"),
        ({"summary_chain": [" "]}, "summary_chain"),
        ({"answer_schema": {}}, "answer_schema"),
        ({"answer_schema": {"type": "object", "properties": {"a": {"$ref": "#"}}}}, "answer_schema"),
        ({"answer_schema": {"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}}, "answer_schema"),
        ({"success": [JUDGE] * 11}, "success"),
        ({"success": [JUDGE, CHECK | {"expression": "1+1"}]}, "success.1"),
        ({"success": [{"kind": "wish"}]}, "success.0"),
        ({"success": [JUDGE, CHECK | {"expression": "1 +"}]}, "success.1"),
        ({"success": [CHECK | {"expression": "data.a.filter(x, x > 0).size() > 0"}] * 4}, "success"),
        ({"success": [JUDGE | {"expression": "true"}]}, "success.0.judge.expression"),
    ],
)
def test_what_cannot_work_is_refused_and_names_its_field(ask: Any, world: World, body: Any, field: str) -> None:
    assert_problem(ask("post", f"{AT}/versions", body), 422, field)
    assert Agent.objects.get(pk=world.agent.pk).versions.count() == 1


def test_a_run_tells_its_outcome_apart_from_its_end(ask: Any, world: World) -> None:
    run = factories.run(
        world.agent,
        status="succeeded",
        outcome="not_completed",
        outcome_detail="Give the total.",
        answer_data={"total": 0},
        ended_at="2026-11-21T10:00Z",
    )
    shown = ask("get", f"/api/runs/{run.pk}").json()
    assert (shown["status"], shown["outcome"], shown["outcome_detail"]) == (
        "succeeded",
        "not_completed",
        "Give the total.",
    )
    assert shown["answer_data"] == {"total": 0}
    found = ask("get", "/api/runs?outcome=not_completed").json()["items"]
    assert [row["id"] for row in found] == [str(run.pk)]
    assert ask("get", "/api/runs?outcome=completed").json()["items"] == []
    assert_problem(ask("get", "/api/runs?outcome=perhaps"), 422, "outcome")
    assert Run.objects.count() > 1
