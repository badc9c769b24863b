"""Whatever is sent wrong is refused with a problem that says what, and changes nothing."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pydantic import Strict

from agentops.rest import Body
from runs.models import Event, IdempotencyKey, Run, ToolCall

from . import factories
from .problems import assert_problem

pytestmark = pytest.mark.django_db

GOOD = {"agent": "helper", "goal": "Do it."}
DEEP = '{"agent":"helper","goal":"x","inputs":' + '{"a":' * 100_000 + "1" + "}" * 100_001

BODIES: list[tuple[str, Any, int, str | None]] = [
    ("unknown agent", GOOD | {"agent": "nobody"}, 422, "agent"),
    ("agent of the wrong type", GOOD | {"agent": 7}, 422, "agent"),
    ("no goal", {"agent": "helper"}, 422, "goal"),
    ("empty goal", GOOD | {"goal": ""}, 422, "goal"),
    ("goal of spaces", GOOD | {"goal": "  "}, 422, "goal"),
    ("1 MB goal", GOOD | {"goal": "x" * 1_000_000}, 422, "goal"),
    ("3 MB body", GOOD | {"goal": "x" * 3_000_000}, 413, None),
    ("NUL in the goal", GOOD | {"goal": "a\0b"}, 422, "goal"),
    ("NUL in an input", GOOD | {"inputs": {"note": "a\0b"}}, 422, "inputs.note"),
    ("NUL in a key", GOOD | {"inputs": {"a\0b": 1}}, 422, "inputs"),
    ("half a surrogate pair", json.dumps(GOOD)[:-1] + ', "inputs": {"x": "\\ud800"}}', 422, "inputs.x"),
    ("unknown field", GOOD | {"gaol": "x"}, 422, "gaol"),
    ("unknown limit", GOOD | {"limits": {"max_stps": 1}}, 422, "limits.max_stps"),
    ("negative limit", GOOD | {"limits": {"max_steps": -1}}, 422, "limits.max_steps"),
    ("limit of zero", GOOD | {"limits": {"max_cost_usd": "0"}}, 422, "limits.max_cost_usd"),
    ("boolean limit", GOOD | {"limits": {"max_steps": True}}, 422, "limits.max_steps"),
    ("huge limit", GOOD | {"limits": {"max_seconds": 10**30}}, 422, "limits.max_seconds"),
    ("cost that is no number", GOOD | {"limits": {"max_cost_usd": "NaN"}}, 422, "limits.max_cost_usd"),
    ("limit above the agent's", GOOD | {"limits": {"max_steps": 31}}, 422, "limits.max_steps"),
    ("unknown team", GOOD | {"team": "nowhere"}, 422, "agent"),
    ("a list", [GOOD], 422, "body"),
    ("null", "null", 422, "body"),
    ("nothing", "", 422, "body"),
    ("half a document", '{"agent":', 400, None),
    ("NaN", '{"agent": "helper", "goal": "x", "inputs": {"n": NaN}}', 400, None),
    ("not UTF-8", b'{"agent": "\xff\xfe"}', 400, None),
    ("number of 5,000 digits", '{"agent": ' + "9" * 5000 + "}", 400, None),
    ("endless nesting", DEEP, 400, None),
    ("nested 60 deep", json.dumps(GOOD)[:-1] + ', "inputs": {"x": ' + "[" * 60 + "]" * 60 + "}}", 400, None),
]


@pytest.mark.parametrize(("body", "status", "field"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_a_run_is_not_started_from(body: Any, status: int, field: str | None) -> None:
    team = factories.team()
    factories.agent(team, "helper")
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    client = factories.caller(factories.person(team))
    assert_problem(client.post("/api/runs", data, "application/json"), status, field)
    assert not Run.objects.exists() and not IdempotencyKey.objects.exists()


def test_a_number_of_too_many_digits_is_refused_in_words_that_know_no_language() -> None:
    client = factories.caller(factories.person(factories.team()))
    said = client.post("/api/runs", '{"agent": ' + "9" * 5000 + "}", "application/json").json()["detail"]
    assert "too many digits" in said and "sys." not in said


@pytest.mark.parametrize("goal", ["tab\tand\x07bell", "right \u202eto left", "emoji 🚀", "x" * 100_000])
def test_text_that_can_be_stored_is_stored_as_it_is(goal: str) -> None:
    team = factories.team()
    factories.agent(team, "helper")
    answer = factories.caller(factories.person(team)).post(
        "/api/runs", {"agent": "helper", "goal": goal}, "application/json"
    )
    assert answer.status_code == 201 and answer.json()["goal"] == goal


@pytest.mark.parametrize("key", ["x" * 201, "with space", "ümlaut"])
def test_an_unusable_idempotency_key_is_refused(key: str) -> None:
    team = factories.team()
    factories.agent(team, "helper")
    client = factories.caller(factories.person(team))
    answer = client.post("/api/runs", GOOD, "application/json", headers={"Idempotency-Key": key})
    assert_problem(answer, 422, "Idempotency-Key")
    assert not Run.objects.exists()


def test_money_of_a_limit_is_told_as_people_write_it() -> None:
    team = factories.team()
    factories.agent(team, "helper", max_cost_usd="1.50")
    client = factories.caller(factories.person(team))
    said = client.post("/api/runs", GOOD | {"limits": {"max_cost_usd": "2"}}, "application/json").json()["detail"]
    assert "own limit is 1.5;" in said


@pytest.mark.parametrize("word", ["yes", "true", 1, 0, "off"])
def test_a_boolean_is_true_or_false_and_no_word_for_it(word: Any) -> None:
    team = factories.team()
    agent = factories.agent(team, "helper")
    client = factories.caller(factories.person(team))
    trigger = {"kind": "webhook", "name": "Hook", "agent": "helper", "goal": "Do it.", "overlap": word}
    assert_problem(client.post("/api/triggers", trigger, "application/json"), 422, "overlap")
    version = {"inputs": [{"name": "order", "required": word}]}
    answer = client.post(f"/api/agents/{agent.name}/versions", version, "application/json")
    assert_problem(answer, 422, "inputs.0.required")


def test_no_body_takes_a_word_for_a_boolean() -> None:
    def below(kind: type[Body]) -> list[type[Body]]:
        return [kind, *(one for sub in kind.__subclasses__() for one in below(sub))]

    fields = [(f"{kind.__name__}.{name}", field) for kind in below(Body) for name, field in kind.model_fields.items()]
    flags = {where: field.metadata for where, field in fields if field.annotation in (bool, bool | None)}
    assert flags and [where for where, rules in flags.items() if not any(isinstance(r, Strict) for r in rules)] == []


QUERIES = [
    ("/api/runs?cursor=nonsense", "cursor"),
    ("/api/runs?cursor=WyIiLCIiXQ", "cursor"),
    ("/api/runs?cursor=WyJhIl0", "cursor"),
    ("/api/runs?cursor=bnVsbA", "cursor"),
    ("/api/runs?cursor=%00", "cursor"),
    ("/api/runs?limit=0", "limit"),
    ("/api/runs?limit=-1", "limit"),
    ("/api/runs?limit=201", "limit"),
    ("/api/runs?limit=many", "limit"),
    ("/api/runs?status=finished", "status"),
    ("/api/runs?agent=%00", "agent"),
    ("/api/approvals?status=open", "status"),
    ("/api/approvals?cursor=nonsense", "cursor"),
    ("/api/agents?cursor=nonsense", "cursor"),
    ("/api/tools?team=nowhere", "team"),
]


@pytest.mark.parametrize(("address", "field"), QUERIES)
def test_a_query_that_makes_no_sense_names_its_field(address: str, field: str) -> None:
    assert_problem(factories.caller(factories.person(factories.team())).get(address), 422, field)


@pytest.mark.parametrize("after", ["-1", "x", "99999999999999999999"])
def test_events_after_a_number_that_cannot_be(after: str) -> None:
    team = factories.team()
    run = factories.run(factories.agent(team))
    assert_problem(
        factories.caller(factories.person(team)).get(f"/api/runs/{run.pk}/events?after={after}"), 422, "after"
    )


@pytest.mark.parametrize(
    "address",
    ["/api/", "/api/nothing", "/api/runs/7", f"/api/runs/{uuid4()}", f"/api/runs/{uuid4()}/steps", "/api/agents/no",
     "/api/agents/a%00b", f"/api/approvals/{uuid4()}", "/api/runs/", f"/api/runs/{uuid4()}/events"],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_a_404(address: str) -> None:
    assert_problem(factories.caller(factories.person(factories.team())).get(address), 404)


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_method_that_is_not_there_names_those_that_are(method: str) -> None:
    response = getattr(factories.caller(factories.person(factories.team())), method)("/api/runs")
    assert_problem(response, 405)
    assert set(response["Allow"].split(", ")) == {"GET", "POST"}


def foreign() -> tuple[Client, Run, ToolCall]:
    """A program with every right in its own team, and a run of another team."""
    run = factories.run(factories.agent(factories.team()))
    call = factories.call(factories.step(run), status=ToolCall.Status.IN_DOUBT)
    return factories.caller(factories.person(factories.team())), run, call


@pytest.mark.parametrize("part", ["", "/steps", "/tool-calls", "/events"])
def test_another_teams_run_cannot_be_read(part: str) -> None:
    client, run, _ = foreign()
    assert_problem(client.get(f"/api/runs/{run.pk}{part}"), 404)


@pytest.mark.parametrize(
    ("method", "part", "body"),
    [("post", "cancellation", {}), ("post", "suspension", {}), ("delete", "suspension", {}),
     ("post", "tool-calls/{call}/resolution", {"outcome": "happened"})],
)  # fmt: skip
def test_another_teams_run_cannot_be_changed(method: str, part: str, body: dict[str, Any]) -> None:
    client, run, call = foreign()
    address = f"/api/runs/{run.pk}/{part.format(call=call.pk)}"
    assert_problem(getattr(client, method)(address, body, "application/json"), 404)
    run.refresh_from_db()
    call.refresh_from_db()
    assert run.status == Run.Status.QUEUED and call.status == ToolCall.Status.IN_DOUBT
    assert not Event.objects.exists()


def test_a_call_is_only_reached_through_its_own_run() -> None:
    team = factories.team()
    agent = factories.agent(team)
    call = factories.call(factories.step(factories.run(agent)), status=ToolCall.Status.IN_DOUBT)
    other = factories.run(agent)
    client = factories.caller(factories.person(team))
    address = f"/api/runs/{other.pk}/tool-calls/{call.pk}/resolution"
    assert_problem(client.post(address, {"outcome": "happened"}, "application/json"), 404)
    call.refresh_from_db()
    assert call.status == ToolCall.Status.IN_DOUBT


@pytest.mark.parametrize("outcome", ["maybe", "", None])
def test_an_unknown_outcome_is_refused(outcome: str | None) -> None:
    team = factories.team()
    call = factories.call(factories.step(factories.run(factories.agent(team))), status=ToolCall.Status.IN_DOUBT)
    address = f"/api/runs/{call.run_id}/tool-calls/{call.pk}/resolution"
    client = factories.caller(factories.person(team))
    assert_problem(client.post(address, {"outcome": outcome}, "application/json"), 422, "outcome")
    call.refresh_from_db()
    assert call.status == ToolCall.Status.IN_DOUBT
