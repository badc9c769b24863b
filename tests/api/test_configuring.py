"""Admins configure over REST: agents, tiers, policies, budgets, prices, people, tokens."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.accounts.access import SCOPES
from agentops.accounts.models import ApiToken, Membership, Role
from runs.models import Budget, ModelPrice

from . import factories
from .problems import assert_problem
from .world import VERSION, World

pytestmark = pytest.mark.django_db

RULE = {"name": "Large refunds", "tool": "refund_*", "condition": "double(args.amount) > 100.0", "tier": "high"}
PRICE = {"input_usd": "3", "output_usd": "15", "cache_read_usd": "0.3", "cache_write_usd": "3.75"}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Any:
    return factories.caller(factories.person(world.team))


@pytest.fixture
def superuser() -> Any:
    return factories.caller(factories.person(is_superuser=True))


@pytest.fixture
def ask(world: World, client: Any) -> Any:
    def ask(method: str, address: str, body: Any = None, by: Any = None) -> Any:
        return world.ask(by or client, method, address, body)

    return ask


def test_a_new_agent_is_live_with_its_first_version(ask: Any) -> None:
    version = VERSION | {"inputs": [{"name": "order", "label": "Order"}], "note": "First."}
    made = ask("post", "/api/agents", {"team": "{team}", "name": "returns", "title": "Returns", "version": version})
    assert made.status_code == 201
    shown = ask("get", "/api/agents/returns").json()
    assert (shown["version"]["number"], shown["version"]["note"]) == (1, "First.")
    assert shown["version"]["inputs"][0]["kind"] == "text" and shown["candidate"] is None
    again = ask("post", "/api/agents", {"team": "{team}", "name": "returns", "title": "Returns", "version": version})
    assert_problem(again, 422, "name")


def test_versions_come_newest_first_and_an_earlier_one_comes_back_as_a_new_one(ask: Any) -> None:
    at = "/api/agents/{agent}"
    assert ask("post", f"{at}/versions", {"system_prompt": "Help more."}).json()["number"] == 2
    assert ask("post", f"{at}/versions", {"system_prompt": "Help more."}).status_code == 200, "nothing changed"
    back = ask("put", f"{at}/live", {"version": 1}).json()
    assert (back["number"], back["system_prompt"]) == (3, "Help.")
    assert [each["number"] for each in ask("get", f"{at}/versions").json()["items"]] == [3, 2, 1]
    assert_problem(ask("put", f"{at}/live", {"version": 9}), 404)


def test_who_edits_an_agent_that_changed_meanwhile_is_told(ask: Any) -> None:
    at = "/api/agents/{agent}"
    state = ask("get", at).json()["state"]
    assert ask("patch", at, {"title": "Renamed", "state": state}).json()["title"] == "Renamed"
    assert_problem(ask("patch", at, {"title": "Mine", "state": state}), 409)
    assert_problem(ask("post", f"{at}/versions", {"system_prompt": "Mine.", "state": state}), 409)


def test_a_candidate_is_tried_and_promoted(ask: Any) -> None:
    at = "/api/agents/{agent}"
    assert ask("post", f"{at}/versions", {"system_prompt": "Try.", "candidate_percent": 10}).status_code == 201
    assert ask("put", f"{at}/candidate", {"percent": 50, "version": 2}).json()["candidate_percent"] == 50
    assert_problem(ask("put", f"{at}/candidate", {"percent": 50, "version": 1}), 409)
    shown = ask("post", f"{at}/candidate/promotion").json()
    assert (shown["version"]["number"], shown["candidate"]) == (2, None)
    assert_problem(ask("post", f"{at}/candidate/promotion"), 409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tools": ["no_such_tool"]}, "tools"),
        ({"model_chain": []}, "model_chain"),
        ({"max_steps": 0}, "max_steps"),
        ({"max_steps": True}, "max_steps"),
        ({"max_cost_usd": 1e30}, "max_cost_usd"),
        ({"candidate_percent": 100, "system_prompt": "x"}, "candidate_percent"),
        ({"inputs": [{"name": "Not a name"}]}, "inputs.1.name"),
        ({"system_prompt": "a\0b"}, "system_prompt"),
        ({"prompt": "x"}, "prompt"),
    ],
)
def test_a_version_that_cannot_be_names_its_field(ask: Any, body: Any, field: str) -> None:
    assert_problem(ask("post", "/api/agents/{agent}/versions", body), 422, field)


def test_a_teams_tier_counts_until_it_is_taken_back(ask: Any, superuser: Any) -> None:
    at = "/api/tools/send_email"
    assert ask("put", f"{at}/tier", {"tier": "critical", "team": "{team}"}).json()["tier"] == "critical"
    assert_problem(ask("put", f"{at}/tier", {"tier": "low", "team": None}), 403)
    assert ask("put", f"{at}/tier", {"tier": "high"}, by=superuser).status_code == 200
    assert ask("get", at).json()["tier"] == "critical"
    assert ask("delete", f"{at}/tier?team={{team}}").status_code == 204
    assert ask("get", at).json()["tier"] == "high"
    assert_problem(
        ask("put", f"{at}/tier", {"tier": "high", "timer_seconds": 5, "team": "{team}"}), 422, "timer_seconds"
    )
    assert_problem(ask("put", "/api/tools/no_such_tool/tier", {"tier": "high", "team": "{team}"}), 404)


def test_a_draft_decides_nothing_before_it_is_published(ask: Any) -> None:
    at = "/api/policies/{team}"
    saved = ask("put", f"{at}/draft", {"revision": 0, "rules": [RULE]}).json()
    assert saved["live"]["number"] == 1 and saved["live"]["rules"] == []
    assert "refund_* by any agent" in saved["draft"]["rules"][0]["words"]
    told = assert_problem(ask("put", f"{at}/draft", {"revision": 0, "rules": []}), 409)
    assert told["changed_by"] and told["changed_at"]
    assert_problem(ask("post", f"{at}/publication", {"revision": 0}), 409)
    published = ask("post", f"{at}/publication", {"revision": 1, "note": "After the audit."})
    assert (published.status_code, published.json()["number"]) == (201, 2)
    assert ask("post", f"{at}/publication", {"revision": 1}).status_code == 200, "nothing changed"
    assert ask("put", f"{at}/live", {"version": 1}).json()["number"] == 3


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"condition": "args.amount >"}, "rules.1.condition"),
        ({"tool": "no spaces"}, "rules.1.tool"),
        ({"tier": "extreme"}, "rules.0.tier"),
        ({"on_deadline": "expire"}, "rules.1.timer_seconds"),
        ({"name": "x" * 121}, "rules.0.name"),
    ],
)
def test_a_rule_that_cannot_be_names_its_field(ask: Any, rule: Any, field: str) -> None:
    assert_problem(ask("put", "/api/policies/{team}/draft", {"revision": 0, "rules": [RULE | rule]}), 422, field)


def test_budgets_show_what_is_spent_and_are_set_once(ask: Any, world: World) -> None:
    body = {"team": "{team}", "agent": "{agent}", "period": "day", "limit_usd": "2.50"}
    made = ask("post", "/api/budgets", body)
    assert (made.status_code, made.json()["agent"], made.json()["spent_usd"]) == (201, world.agent.name, "0")
    assert_problem(ask("post", "/api/budgets", body), 409)
    number = made.json()["id"]
    assert ask("patch", f"/api/budgets/{number}", {"limit_usd": "4"}).json()["limit_usd"] == "4.00"
    assert ask("delete", f"/api/budgets/{number}").status_code == 204
    assert_problem(ask("get", f"/api/budgets/{number}"), 404)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"team": "{team}", "period": "week", "limit_usd": "1"}, 422, "period"),
        ({"team": "{team}", "period": "month", "limit_usd": "-1"}, 422, "limit_usd"),
        ({"team": "{team}", "period": "month", "limit_usd": "0.001"}, 422, "limit_usd"),
        ({"team": "{team}", "period": "month", "limit_usd": "NaN"}, 422, "limit_usd"),
        ({"team": "nowhere", "period": "month", "limit_usd": "1"}, 422, "team"),
        ({"team": "{team}", "agent": "nobody", "period": "month", "limit_usd": "1"}, 422, "agent"),
        ({"team": "{team}", "person": "nobody", "period": "month", "limit_usd": "1"}, 422, "person"),
        ({"period": "month", "limit_usd": "1"}, 403, None),
    ],
)
def test_a_budget_that_cannot_be_is_refused(ask: Any, body: Any, status: int, field: str | None) -> None:
    before = Budget.objects.count()
    assert_problem(ask("post", "/api/budgets", body), status, field)
    assert Budget.objects.count() == before


def test_a_superuser_prices_a_model_whatever_its_name(ask: Any, superuser: Any) -> None:
    at = "/api/models/vendor/own-model:1/price"
    assert_problem(ask("put", at, PRICE), 403)
    assert ask("put", at, PRICE, by=superuser).json()["prices"][0]["input_usd"] == "3"
    shown = {each["name"]: each for each in ask("get", "/api/models").json()["items"]}
    assert "administrator" in shown["vendor/own-model:1"]["source"] and not shown["vendor/own-model:1"]["agents"]
    assert "genai-prices" in shown["claude-sonnet-4-5"]["source"] and shown["claude-sonnet-4-5"]["agents"]
    assert ask("delete", at, by=superuser).status_code == 204
    assert not ModelPrice.objects.exists()


def test_roles_change_and_a_team_keeps_an_admin(ask: Any, world: World) -> None:
    at = "/api/teams/{team}/members/{member}"
    assert ask("put", at, {"roles": ["operator", "approver"]}).json()["roles"] == ["approver", "operator"]
    assert_problem(ask("put", at, {"roles": ["viewer"], "was": ["viewer"]}), 409)
    assert_problem(ask("put", at, {"roles": ["emperor"]}), 422, "roles.0")
    only = Membership.objects.get(team=world.team, role=Role.ADMIN).user
    assert_problem(ask("delete", f"/api/teams/{{team}}/members/{only.username}"), 409)
    assert ask("delete", at).status_code == 204
    assert world.member.username not in str(ask("get", "/api/teams/{team}/members").json())


def test_a_new_person_gets_a_link_once(ask: Any) -> None:
    body = {"username": "grace", "name": "Grace", "roles": ["operator"]}
    made = ask("post", "/api/teams/{team}/members", body).json()
    assert made["roles"] == ["operator"] and made["password_link"].startswith("/")
    assert_problem(ask("post", "/api/teams/{team}/members", body), 422, "username")


def test_only_a_superuser_makes_teams(ask: Any, superuser: Any) -> None:
    assert_problem(ask("post", "/api/teams", {"name": "Sales"}), 403)
    assert ask("post", "/api/teams", {"name": "Sales"}, by=superuser).json() == {"slug": "sales", "name": "Sales"}


def test_a_token_makes_none_that_reaches_further_or_lives_longer(world: World) -> None:
    owner = factories.person(world.team)
    narrow = factories.caller(owner, "admin", "runs:read")
    refused = narrow.post("/api/tokens", {"name": "x", "scopes": ["runs:write"], "days": 1}, "application/json")
    assert "runs:write" in assert_problem(refused, 403)["detail"]
    longer = narrow.post("/api/tokens", {"name": "x", "scopes": ["runs:read"], "days": 700}, "application/json")
    assert_problem(longer, 422, "days")
    made = narrow.post("/api/tokens", {"name": "x", "scopes": ["runs:read"], "days": 1}, "application/json")
    assert made.status_code == 201
    person = factories.signed_in(owner)
    body = {"name": "mine", "scopes": list(SCOPES), "days": 700}
    assert person.post("/api/tokens", body, "application/json").status_code == 201


def test_a_token_is_revoked_by_its_owner_and_unseen_by_strangers(world: World) -> None:
    owner = factories.person(world.team, Role.VIEWER)
    client = factories.caller(owner)
    token = ApiToken.objects.get(owner=owner)
    stranger = factories.caller(factories.person(factories.team()))
    assert_problem(stranger.delete(f"/api/tokens/{token.pk}"), 404)
    assert client.delete(f"/api/tokens/{token.pk}").status_code == 204
    assert_problem(client.get("/api/runs"), 401)
