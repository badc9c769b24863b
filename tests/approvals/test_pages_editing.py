"""Arguments as a form: what each kind of schema becomes, and that nothing changes that nobody touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from agentops.accounts.models import Role
from approvals.models import ApprovalRequest
from approvals.pages import arguments
from approvals.pages.schema import Kind

from . import factories

SCHEMA = {
    "type": "object",
    "required": ["to", "amount", "seats", "kind", "place"],
    "properties": {
        "to": {"type": "string", "maxLength": 100},
        "body": {"type": "string", "maxLength": 50_000},
        "amount": {"anyOf": [{"type": "number"}, {"type": "string"}]},
        "seats": {"type": "integer"},
        "ratio": {"type": "number"},
        "urgent": {"type": "boolean"},
        "kind": {"enum": ["board", "huddle", 3]},
        "day": {"type": "string", "format": "date"},
        "guests": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "place": {"type": "object", "properties": {"city": {"type": "string"}, "floor": {"type": ["integer", "null"]}}},
        "extras": {"type": "array", "items": {"type": "object"}},
    },
}
ASKED: dict[str, Any] = {
    "to": "ada@example.com",
    "body": "Dear Ada,\r\n\r\nשלום 🎉\n" + "x" * 10_000,
    "amount": "19.90",
    "seats": 4,
    "ratio": 0.10,
    "urgent": True,
    "kind": 3,
    "day": "2026-11-21",
    "guests": ["a@example.com", "b@example.com"],
    "numbers": [1, 2],
    "note": None,
    "place": {"city": "Riga", "floor": 3},
    "extras": [{"deep": [1]}],
    "unknown": {"kept": True},
}


def form(asked: Any = ASKED, schema: Any = SCHEMA) -> list[arguments.Field]:
    return arguments.fields(schema, asked, asked)


def sent(fields: list[arguments.Field]) -> dict[str, str]:
    """What a browser sends when nobody touches the form: line ends become CR LF."""
    controls = (one for one in arguments.every(fields) if not one.inside and one.about.kind is not Kind.JSON)
    return {one.key: one.text.replace("\r\n", "\n").replace("\n", "\r\n") for one in controls}


def key(fields: list[arguments.Field], name: str) -> str:
    return next(one.key for one in arguments.every(fields) if one.about.name == name)


def test_each_schema_has_its_control() -> None:
    assert {one.about.name: one.about.kind.value for one in form()} == {
        "to": "text",
        "body": "long",
        "amount": "either",
        "seats": "integer",
        "ratio": "number",
        "urgent": "boolean",
        "kind": "choice",
        "day": "date",
        "guests": "list",
        "numbers": "list",
        "note": "text",
        "place": "group",
        "extras": "json",
        "unknown": "json",
    }


def test_what_nobody_touched_stays_to_the_bit() -> None:
    fields = form()
    assert arguments.fill(fields, sent(fields)) == ASKED
    assert not any(one.changed for one in arguments.every(fields))


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("to", "eve@example.com", "eve@example.com"),
        ("amount", "29.90", "29.90"),
        ("seats", "6", 6),
        ("ratio", "0.25", 0.25),
        ("urgent", "false", False),
        ("kind", '"board"', "board"),
        ("day", "2027-01-01", "2027-01-01"),
        ("guests", "c@example.com\r\n\r\n", ["c@example.com"]),
        ("numbers", "3\r\n4", [3, 4]),
        ("note", "Bring cake", "Bring cake"),
    ],
)
def test_a_change_has_the_type_of_its_argument(name: str, typed: str, value: object) -> None:
    fields = form()
    assert arguments.fill(fields, sent(fields) | {key(fields, name): typed}) == {**ASKED, name: value}


def test_a_change_inside_an_object_changes_only_that() -> None:
    fields = form()
    changed = arguments.fill(fields, sent(fields) | {key(fields, "city"): "Oslo", key(fields, "floor"): ""})
    assert changed["place"] == {"city": "Oslo", "floor": None}


def test_an_optional_argument_left_empty_is_left_out() -> None:
    fields = form()
    assert "day" not in arguments.fill(fields, sent(fields) | {key(fields, "day"): ""})


@pytest.mark.parametrize(
    ("name", "typed"),
    [("seats", "four"), ("seats", "4.5"), ("seats", ""), ("ratio", "nan"), ("day", "tomorrow"), ("numbers", "1\nx")],
)
def test_what_does_not_fit_is_named_at_its_field_and_kept(name: str, typed: str) -> None:
    fields = form()
    arguments.fill(fields, sent(fields) | {key(fields, name): typed})
    (wrong,) = [one for one in arguments.every(fields) if one.problem]
    assert (wrong.about.name, wrong.text) == (name, typed)


def test_a_value_that_does_not_fit_its_schema_is_left_to_the_json() -> None:
    kinds = {one.about.name: one.about.kind for one in form({"seats": "four", "urgent": 1, "guests": ["a\nb"]})}
    assert {kinds[name] for name in ("seats", "urgent", "guests")} == {Kind.JSON}


@pytest.mark.parametrize("schema", [None, [], {}, {"properties": 3, "required": "x"}, {"properties": {"to": 7}}])
def test_without_a_usable_schema_the_values_speak(schema: object) -> None:
    fields = form({"to": "ada", "n": 3, "yes": False, "many": ["a"], "deep": {"a": 1}}, schema)
    assert arguments.fill(fields, sent(fields))["n"] == 3


def request_and_client(role: Role = Role.APPROVER, **fields: Any) -> tuple[ApprovalRequest, Client]:
    team = factories.team()
    request = factories.request(team)
    schema = {"type": "object", "required": ["to"], "properties": {"to": {"type": "string"}, "n": {"type": "integer"}}}
    ApprovalRequest.objects.filter(pk=request.pk).update(**{"input_schema": schema, **fields})
    request.refresh_from_db()
    client = Client(headers={"HX-Request": "true"})
    client.force_login(factories.person(role, of=team).user)  # type: ignore[arg-type]
    return request, client


def post(client: Client, request: ApprovalRequest, **data: str) -> Any:
    base = json.dumps(request.arguments)
    body = {"revision": str(request.revision), "tab": "form", "base": base, "arg.0": "ada@example.com", "arg.1": ""}
    return client.post(f"/approvals/{request.pk}/arguments", body | data)


@pytest.mark.django_db
def test_a_changed_argument_is_approved_and_shown_as_changed(subject: factories.Subject) -> None:
    request, client = request_and_client()
    assert post(client, request, **{"arg.0": "bob@example.com"}).status_code == 200
    request.refresh_from_db()
    assert (request.status, request.arguments) == ("approved", {"to": "bob@example.com"})
    page = client.get(f"/approvals/{request.pk}").content.decode()
    assert "<del>ada@example.com</del> <ins>bob@example.com</ins>" in page


@pytest.mark.django_db
@pytest.mark.parametrize("data", [{}, {"arg.1": "many"}, {"tab": "json", "json": "{"}, {"tab": "json", "json": "[]"}])
def test_nothing_is_approved_without_a_change_that_fits(subject: factories.Subject, data: dict[str, str]) -> None:
    request, client = request_and_client()
    answer = post(client, request, **data)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    request.refresh_from_db()
    assert request.status == "pending"


@pytest.mark.django_db
def test_the_other_tab_carries_what_was_typed(subject: factories.Subject) -> None:
    request, client = request_and_client()
    as_json = post(client, request, to="json", **{"arg.0": "bob@example.com", "arg.1": "7"}).content.decode()
    assert "&quot;to&quot;: &quot;bob@example.com&quot;" in as_json and "&quot;n&quot;: 7" in as_json
    back = post(client, request, to="form", tab="json", json='{"to": "eve@example.com"}').content.decode()
    assert 'value="eve@example.com"' in back
    request.refresh_from_db()
    assert request.status == "pending"


@pytest.mark.django_db
def test_who_edits_too_late_learns_who_was_first(subject: factories.Subject) -> None:
    request, client = request_and_client()
    client.post(f"/approvals/{request.pk}/decision", {"decision": "reject", "revision": "1"})
    answer = post(client, request, **{"arg.0": "bob@example.com"})
    assert answer.status_code == 409
    assert "Somebody was first" in answer.content.decode()


@pytest.mark.django_db
def test_a_request_that_changed_meanwhile_keeps_what_was_typed(subject: factories.Subject) -> None:
    request, client = request_and_client()
    ApprovalRequest.objects.filter(pk=request.pk).update(revision=2)
    answer = post(client, request, **{"arg.0": "bob@example.com"})
    assert answer.status_code in (409, 422)
    assert "bob@example.com" in answer.content.decode()
    assert 'name="revision" value="2"' in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"tier": "critical"}, {"wants": "answer"}])
def test_critical_ones_and_questions_have_no_form(subject: factories.Subject, fields: dict[str, str]) -> None:
    request, client = request_and_client(**fields)
    assert "data-editing" not in client.get(f"/approvals/{request.pk}/arguments").content.decode()
    assert post(client, request, **{"arg.0": "bob@example.com"}).status_code == 403
    request.refresh_from_db()
    assert request.status == "pending"
