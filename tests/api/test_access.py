"""Who gets in, and what each role and each scope opens."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agentops.accounts.access import SCOPES
from agentops.accounts.models import ApiToken, Role
from approvals.models import ApprovalRequest
from runs.models import Run

from . import factories
from .problems import assert_problem

pytestmark = pytest.mark.django_db

ENDPOINTS: list[tuple[str, str, Any, str]] = [
    ("get", "/api/runs", None, "runs:read"),
    ("get", "/api/runs/{run}", None, "runs:read"),
    ("get", "/api/runs/{run}/steps", None, "runs:read"),
    ("get", "/api/runs/{run}/tool-calls", None, "runs:read"),
    ("get", "/api/runs/{run}/events", None, "runs:read"),
    ("get", "/api/agents", None, "runs:read"),
    ("get", "/api/agents/{agent}", None, "runs:read"),
    ("get", "/api/tools", None, "runs:read"),
    ("get", "/api/openapi.json", None, "runs:read"),
    ("get", "/api/approvals", None, "approvals:read"),
    ("get", "/api/approvals/{request}", None, "approvals:read"),
    ("post", "/api/runs", {"agent": "{agent}", "goal": "Do it."}, "runs:write"),
    ("post", "/api/runs/{run}/cancellation", {}, "runs:write"),
    ("post", "/api/runs/{run}/suspension", None, "runs:write"),
    ("post", "/api/approvals/{request}/decision", {"decision": "hold", "revision": 1}, "approvals:decide"),
]
ROLES = {
    "runs:read": set(Role),
    "approvals:read": set(Role),
    "runs:write": {Role.OPERATOR, Role.ADMIN},
    "approvals:decide": {Role.APPROVER, Role.ADMIN},
}
NAMES = [f"{method} {address}" for method, address, _, _ in ENDPOINTS]


class World:
    """One team with one of everything."""

    def __init__(self) -> None:
        self.team = factories.team()
        self.agent = factories.agent(self.team)
        self.run = factories.run(self.agent)
        self.request = factories.held(self.run)

    def ask(self, client: Client, method: str, address: str, body: Any) -> Any:
        address = address.format(run=self.run.pk, agent=self.agent.name, request=self.request.pk)
        if body and "agent" in body:
            body = body | {"agent": self.agent.name}
        return client.generic(
            method.upper(), address, Client()._encode_json(body or {}, "application/json"), "application/json"
        )

    def state(self) -> Any:
        rows = Run.objects.values_list("pk", "status", "seq", "pause_requested")
        return list(rows), list(ApprovalRequest.objects.values_list("pk", "status", "revision"))


@pytest.mark.parametrize(("method", "address", "body", "scope"), ENDPOINTS, ids=NAMES)
def test_nobody_gets_in_without_saying_who(method: str, address: str, body: Any, scope: str) -> None:
    world = World()
    before = world.state()
    answer = world.ask(Client(), method, address, body)
    assert_problem(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"
    assert world.state() == before


@pytest.mark.parametrize(("method", "address", "body", "scope"), ENDPOINTS, ids=NAMES)
def test_each_endpoint_opens_to_its_scope_alone(method: str, address: str, body: Any, scope: str) -> None:
    world = World()
    admin = factories.person(world.team)
    before = world.state()
    others = factories.caller(admin, *(set(SCOPES) - {scope}))
    assert scope in assert_problem(world.ask(others, method, address, body), 403)["detail"]
    assert world.state() == before
    assert world.ask(factories.caller(admin, scope), method, address, body).status_code in {200, 201}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("method", "address", "body", "scope"), ENDPOINTS, ids=NAMES)
def test_each_endpoint_opens_to_its_roles_alone(method: str, address: str, body: Any, scope: str, role: Role) -> None:
    world = World()
    before = world.state()
    answer = world.ask(factories.signed_in(factories.person(world.team, role)), method, address, body)
    if role in ROLES[scope]:
        assert answer.status_code in {200, 201}, answer.content
    else:
        assert_problem(answer, 403)
        assert world.state() == before


def test_a_token_gives_no_more_than_its_owner_has() -> None:
    world = World()
    viewer = factories.caller(factories.person(world.team, Role.VIEWER))
    before = world.state()
    assert_problem(world.ask(viewer, "post", "/api/runs/{run}/cancellation", {}), 403)
    assert world.state() == before


def test_a_session_needs_its_csrf_token_to_change_anything() -> None:
    world = World()
    client = factories.signed_in(factories.person(world.team), enforce_csrf_checks=True)
    before = world.state()
    assert "CSRF" in assert_problem(world.ask(client, "post", "/api/runs/{run}/cancellation", {}), 403)["detail"]
    assert world.state() == before
    assert world.ask(client, "get", "/api/runs", None).status_code == 200


def test_a_session_with_its_csrf_token_may() -> None:
    world = World()
    client = factories.signed_in(factories.person(world.team), enforce_csrf_checks=True)
    secret = "a" * 32
    client.cookies["csrftoken"] = secret
    address = f"/api/runs/{world.run.pk}/cancellation"
    answer = client.post(address, {}, "application/json", headers={"X-CSRFToken": secret})
    assert answer.status_code == 200 and answer.json()["status"] == "cancelled"


def expired(token: ApiToken) -> None:
    token.expires_at = timezone.now()
    token.save()


def revoked(token: ApiToken) -> None:
    token.revoked_at = timezone.now()
    token.save()


def orphaned(token: ApiToken) -> None:
    token.owner.is_active = False
    token.owner.save()


@pytest.mark.parametrize(
    ("spoil", "said"), [(expired, "has expired"), (revoked, "was revoked"), (orphaned, "no longer active")]
)
def test_a_token_past_its_time_says_why_and_opens_nothing(spoil: Any, said: str) -> None:
    owner = factories.person(factories.team())
    client = factories.caller(owner)
    spoil(ApiToken.objects.get(owner=owner))
    body = assert_problem(client.get("/api/runs"), 401)
    assert said in body["detail"] and owner.username not in str(body)


@pytest.mark.parametrize(
    "header", ["Bearer ao_guess", "Bearer ", "Bearer", "Basic YTpi", "ao_guess", "", "Bearer \udc80"]
)
def test_a_bad_token_is_refused_even_beside_a_good_session(header: str) -> None:
    client = factories.signed_in(factories.person(factories.team()))
    assert_problem(client.get("/api/runs", headers={"Authorization": header}), 401)


def test_lists_hold_the_callers_teams_only() -> None:
    world, other = World(), World()
    client = factories.caller(factories.person(world.team))
    for address, key, mine, foreign in [
        ("/api/runs", "id", str(world.run.pk), str(other.run.pk)),
        ("/api/agents", "name", world.agent.name, other.agent.name),
        ("/api/approvals", "id", str(world.request.pk), str(other.request.pk)),
    ]:
        shown = [item[key] for item in client.get(address).json()["items"]]
        assert mine in shown and foreign not in shown
