"""Who gets in, and what each role and each scope opens."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agentops.accounts.access import SCOPES
from agentops.accounts.models import ApiToken, Role

from . import factories
from .problems import assert_problem
from .world import VERSION, World

pytestmark = pytest.mark.django_db

RULE = {"name": "All", "tier": "high"}
ENDPOINTS: list[tuple[str, str, Any, str]] = [
    ("get", "/api/runs", None, "runs:read"),
    ("get", "/api/runs/{run}", None, "runs:read"),
    ("get", "/api/runs/{planned}/plan", None, "runs:read"),
    ("get", "/api/runs/{run}/steps", None, "runs:read"),
    ("get", "/api/runs/{run}/tool-calls", None, "runs:read"),
    ("get", "/api/runs/{run}/messages", None, "runs:read"),
    ("get", "/api/runs/{run}/events", None, "runs:read"),
    ("get", "/api/agents", None, "runs:read"),
    ("get", "/api/agents/{agent}", None, "runs:read"),
    ("get", "/api/agents/{agent}/versions", None, "runs:read"),
    ("get", "/api/agents/{agent}/versions/1", None, "runs:read"),
    ("get", "/api/tools", None, "runs:read"),
    ("get", "/api/tools/send_email", None, "runs:read"),
    ("get", "/api/policies", None, "runs:read"),
    ("get", "/api/policies/{team}", None, "runs:read"),
    ("get", "/api/policies/{team}/versions", None, "runs:read"),
    ("get", "/api/policies/{team}/versions/1", None, "runs:read"),
    ("get", "/api/budgets", None, "runs:read"),
    ("get", "/api/budgets/{budget}", None, "runs:read"),
    ("get", "/api/triggers", None, "runs:read"),
    ("get", "/api/triggers/{trigger}", None, "runs:read"),
    ("get", "/api/triggers/{trigger}/firings", None, "runs:read"),
    ("get", "/api/models", None, "runs:read"),
    ("get", "/api/workers", None, "runs:read"),
    ("get", "/api/openapi.json", None, "runs:read"),
    ("get", "/api/approvals", None, "approvals:read"),
    ("get", "/api/approvals/{request}", None, "approvals:read"),
    ("post", "/api/runs", {"agent": "{agent}", "goal": "Do it."}, "runs:write"),
    ("post", "/api/runs/{run}/cancellation", {}, "runs:write"),
    ("post", "/api/runs/{run}/suspension", None, "runs:write"),
    ("post", "/api/runs/{run}/messages", {"text": "Hurry."}, "runs:write"),
    ("patch", "/api/runs/{run}/limits", {"max_steps": 31}, "runs:write"),
    ("post", "/api/runs/{failed}/continuation", None, "runs:write"),
    ("post", "/api/runs/{done}/forks", {"step": 1, "words": "Otherwise."}, "runs:write"),
    ("post", "/api/runs/{run}/takeover", None, "runs:write"),
    ("delete", "/api/runs/{taken}/takeover", None, "runs:write"),
    ("post", "/api/runs/{done}/undo", None, "runs:write"),
    ("post", "/api/runs/{done}/tool-calls/{deed}/undo", None, "runs:write"),
    ("post", "/api/triggers", {"kind": "webhook", "name": "New", "agent": "{agent}", "goal": "Do it."}, "runs:write"),
    ("patch", "/api/triggers/{trigger}", {"goal": "Do more."}, "runs:write"),
    ("post", "/api/triggers/{trigger}/secret", None, "runs:write"),
    ("post", "/api/triggers/{trigger}/test", {"body": {}}, "runs:write"),
    ("delete", "/api/triggers/{trigger}", None, "runs:write"),
    ("post", "/api/approvals/{request}/decision", {"decision": "hold", "revision": 1}, "approvals:decide"),
    ("post", "/api/approvals/{request}/questions", {"question": "Why?"}, "approvals:decide"),
    ("put", "/api/approvals/{request}/claim", None, "approvals:decide"),
    ("delete", "/api/approvals/{request}/claim", None, "approvals:decide"),
    ("post", "/api/agents", {"team": "{team}", "name": "new", "title": "New", "version": VERSION}, "admin"),
    ("patch", "/api/agents/{agent}", {"active": False}, "admin"),
    ("post", "/api/agents/{agent}/versions", {"system_prompt": "Help more."}, "admin"),
    ("put", "/api/agents/{agent}/live", {"version": 1}, "admin"),
    ("put", "/api/agents/{tried}/candidate", {"percent": 20}, "admin"),
    ("delete", "/api/agents/{tried}/candidate", None, "admin"),
    ("post", "/api/agents/{tried}/candidate/promotion", None, "admin"),
    ("put", "/api/tools/send_email/tier", {"tier": "critical", "team": "{team}"}, "admin"),
    ("delete", "/api/tools/send_email/tier?team={team}", None, "admin"),
    ("put", "/api/policies/{team}/draft", {"revision": 0, "rules": [RULE]}, "admin"),
    ("post", "/api/policies/{team}/publication", {"revision": 0}, "admin"),
    ("put", "/api/policies/{team}/live", {"version": 1}, "admin"),
    ("get", "/api/teams", None, "runs:read"),
    ("get", "/api/teams/{team}", None, "runs:read"),
    ("patch", "/api/teams/{team}", {"name": "Renamed"}, "admin"),
    ("get", "/api/teams/{team}/members", None, "admin"),
    ("post", "/api/teams/{team}/members", {"username": "grace", "roles": ["viewer"]}, "admin"),
    ("put", "/api/teams/{team}/members/{member}", {"roles": ["operator"]}, "admin"),
    ("delete", "/api/teams/{team}/members/{member}", None, "admin"),
    ("post", "/api/budgets", {"team": "{team}", "period": "month", "limit_usd": "5"}, "admin"),
    ("patch", "/api/budgets/{budget}", {"limit_usd": "7"}, "admin"),
    ("delete", "/api/budgets/{budget}", None, "admin"),
]
ROLES = {
    "runs:read": set(Role),
    "approvals:read": set(Role),
    "runs:write": {Role.OPERATOR, Role.ADMIN},
    "approvals:decide": {Role.APPROVER, Role.ADMIN},
    "admin": {Role.ADMIN},
}
OPERATORS_READ = {"/api/workers"}
"""What reading alone does not open: it concerns the whole installation."""
NAMES = [f"{method} {address}" for method, address, _, _ in ENDPOINTS]


GOOD = {200, 201, 204}


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
    answer = world.ask(factories.caller(admin, scope), method, address, body)
    assert answer.status_code in GOOD, answer.content


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("method", "address", "body", "scope"), ENDPOINTS, ids=NAMES)
def test_each_endpoint_opens_to_its_roles_alone(method: str, address: str, body: Any, scope: str, role: Role) -> None:
    world = World()
    before = world.state()
    answer = world.ask(factories.signed_in(factories.person(world.team, role)), method, address, body)
    if role in ROLES["runs:write" if address in OPERATORS_READ else scope]:
        assert answer.status_code in GOOD, answer.content
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


FOREIGN = [
    each for each in ENDPOINTS if "{" in each[1] and each[:2] != ("delete", "/api/tools/send_email/tier?team={team}")
]


@pytest.mark.parametrize(
    ("method", "address", "body", "scope"), FOREIGN, ids=[f"{method} {address}" for method, address, *_ in FOREIGN]
)
def test_what_another_team_has_is_not_there(method: str, address: str, body: Any, scope: str) -> None:
    world = World()
    stranger = factories.caller(factories.person(factories.team()))
    before = world.state()
    assert_problem(world.ask(stranger, method, address, body), 404)
    assert world.state() == before


def test_lists_hold_the_callers_teams_only() -> None:
    world, other = World(), World()
    client = factories.caller(factories.person(world.team))
    for address, key, mine, foreign in [
        ("/api/runs", "id", str(world.run.pk), str(other.run.pk)),
        ("/api/agents", "name", world.agent.name, other.agent.name),
        ("/api/approvals", "id", str(world.request.pk), str(other.request.pk)),
        ("/api/budgets", "id", world.budget.pk, other.budget.pk),
        ("/api/policies", "team", world.team.slug, other.team.slug),
    ]:
        shown = [item[key] for item in client.get(address).json()["items"]]
        assert mine in shown and foreign not in shown
