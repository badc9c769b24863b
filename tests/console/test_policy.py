"""The policy's pages without a browser: rules in words, a draft, its conflicts, versions, and the trial."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentops.accounts.access import Actor
from agentops.accounts.models import Role, Team
from approvals.actions import open_policy, publish_policy, save_draft
from approvals.actions.publishing import draft_of
from approvals.models import Policy, PolicyVersion, ToolTier
from tests.api import factories as make

pytestmark = pytest.mark.django_db

EMPTY = {"name": "", "tool": "*", "agent": "*", "taint": "any", "condition": "", "tier": "high"}
EMPTY |= {"timer_seconds": "", "on_deadline": ""}


@pytest.fixture
def team() -> Team:
    return make.team()


@pytest.fixture
def admin(team: Team) -> Any:
    return make.person(team)


@pytest.fixture
def client(admin: Any) -> Client:
    return make.signed_in(admin)


def stored(name: str, **more: Any) -> dict[str, Any]:
    return EMPTY | {"name": name, "timer_seconds": None} | more


def drafted(team: Team, who: Any, *rules: dict[str, Any], publish: bool = False) -> Policy:
    policy = open_policy(Actor(who), team)
    save_draft(Actor(who), policy, list(rules))
    if publish:
        publish_policy(Actor(who), policy)
    policy.refresh_from_db()
    return policy


def names(team: Team) -> list[str]:
    return [rule["name"] for rule in draft_of(Policy.objects.get(team=team))]


def at(name: str, team: Team, *more: Any) -> str:
    return reverse(name, args=[team.slug, *more])


def test_empty_pages_say_what_counts_and_who_can(team: Team, client: Client) -> None:
    page = client.get(reverse("policy")).content.decode()
    assert "No rule decides" in page and "send_email" in page and "Add the first rule" in page
    assert "No version yet" in client.get(at("policy-versions", team)).content.decode()
    viewer = make.signed_in(make.person(team, Role.VIEWER)).get(reverse("policy")).content.decode()
    assert "An admin of the team can add rules" in viewer and at("policy-rule-new", team) not in viewer
    assert "You are in no team yet" in make.signed_in(make.person()).get(reverse("policy")).content.decode()


def test_no_page_has_inline_style_or_script(team: Team, admin: Any, client: Client) -> None:
    drafted(team, admin, stored("A"), publish=True)
    drafted(team, admin, stored("A"), stored("B", condition='args.to == "x"'))
    for address in (
        reverse("policy"),
        at("policy-rule", team, 2),
        at("policy-versions", team),
        at("policy-trial", team),
    ):
        page = client.get(address).content.decode()
        assert not re.search(r'\sstyle="|\son\w+="|<style|<script(?![^>]*\ssrc=)', page), address


def test_live_and_draft_stand_side_by_side(team: Team, admin: Any, client: Client) -> None:
    drafted(team, admin, stored("Old <rule>", tool="pay"), publish=True)
    drafted(team, admin, stored("Old <rule>", tool="pay", tier="low"), stored("New rule"))
    page = client.get(reverse("policy")).content.decode()
    assert "2 changes are not published" in page
    assert page.count("Old &lt;rule&gt;") >= 2 and "<rule>" not in page
    assert "tier <del>high</del> → <ins>low</ins>" in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_others_read_and_change_nothing(team: Team, admin: Any, role: Role) -> None:
    drafted(team, admin, stored("A"), publish=True)
    client = make.signed_in(make.person(team, role))
    assert "A" in client.get(reverse("policy")).content.decode()
    assert client.get(at("policy-versions", team)).status_code == 200
    assert client.get(at("policy-rule", team, 1)).status_code == 403
    for address in (
        at("policy-draft", team),
        at("policy-publish", team),
        at("policy-rule", team, 1),
        at("policy-rule-new", team),
        at("policy-condition", team),
        at("policy-restore", team, 1),
    ):
        assert client.post(address, EMPTY | {"name": "B", "do": "delete-1", "revision": "1"}).status_code == 403
    assert names(team) == ["A"]


def test_another_teams_policy_is_not_there(team: Team, admin: Any) -> None:
    drafted(team, admin, stored("Secret"), publish=True)
    client = make.signed_in(make.person(make.team()))
    assert client.get(reverse("policy"), {"team": team.slug}).status_code == 404
    for name, more in (("policy-versions", ()), ("policy-rule", (1,)), ("policy-trial", ())):
        assert client.get(at(name, team, *more)).status_code == 404
    assert client.post(at("policy-draft", team), {"do": "delete-1"}).status_code == 404
    assert "Secret" not in client.get(reverse("policy")).content.decode()


def test_a_rule_is_added_changed_moved_and_deleted_in_the_draft(team: Team, client: Client) -> None:
    typed = EMPTY | {"name": "A", "revision": "0"}
    assert client.post(at("policy-rule-new", team), typed).status_code == 302
    for revision, (name, place) in enumerate((("B", 1), ("C", 2)), start=1):
        client.post(at("policy-rule-new", team), typed | {"name": name, "place": place, "revision": revision})
    assert names(team) == ["B", "C", "A"]
    client.post(at("policy-rule", team, 2), typed | {"name": "Z", "was": "C", "revision": "3"})
    moved = client.post(at("policy-draft", team), {"do": "up-3", "revision": "4"})
    assert "focus=up-2" in moved["Location"]
    client.post(at("policy-draft", team), {"do": "down-1", "revision": "5"})
    assert names(team) == ["A", "B", "Z"]
    client.post(at("policy-draft", team), {"do": "delete-2", "revision": "6"})
    assert names(team) == ["A", "Z"]
    assert not PolicyVersion.objects.exists()
    client.post(at("policy-publish", team), {"revision": "7", "note": "Our first"})
    assert PolicyVersion.objects.get().note == "Our first"


@pytest.mark.parametrize("do", ["", "up-9", "up-0", "up-", "up-²", "delete--1", "burn-1"])
def test_a_button_that_no_page_made_changes_nothing(team: Team, admin: Any, client: Client, do: str) -> None:
    drafted(team, admin, stored("A"))
    assert client.post(at("policy-draft", team), {"do": do, "revision": "1"}).status_code == 302
    assert names(team) == ["A"]


def test_discarding_makes_the_draft_as_the_live_rules(team: Team, admin: Any, client: Client) -> None:
    drafted(team, admin, stored("A"), publish=True)
    drafted(team, admin, stored("B"))
    client.post(at("policy-draft", team), {"do": "discard", "revision": "2"})
    assert names(team) == ["A"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "People read the name"),
        ({"condition": "1 +"}, "not valid CEL"),
        ({"condition": "amount > 1"}, "There is no amount here"),
        ({"tool": "a b"}, "Write a name, or a pattern"),
        ({"tier": "medium", "timer_seconds": "soon"}, "whole number of seconds"),
        ({"tier": "medium", "timer_seconds": "0"}, "A countdown is 1 to"),
        ({"tier": "high", "on_deadline": "expire"}, "after how many seconds"),
        ({"tier": "sometimes"}, "The tier is one of"),
        ({"name": "nul \x00"}, "cannot be stored"),
        ({"condition": "x" * 2_001}, "2,000 is the most"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_is_lost(
    team: Team, client: Client, typed: dict[str, str], said: str
) -> None:
    answer = client.post(
        at("policy-rule-new", team), EMPTY | {"name": "keep me", "agent": "kept", "revision": "0"} | typed
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert 'value="kept"' in page
    assert not Policy.objects.exists() or names(team) == []


def test_fields_that_the_tier_hides_do_not_stand_in_the_way(team: Team, client: Client) -> None:
    typed = EMPTY | {"name": "A", "tier": "critical", "timer_seconds": "60", "on_deadline": "expire", "revision": "0"}
    assert client.post(at("policy-rule-new", team), typed).status_code == 302
    (rule,) = draft_of(Policy.objects.get(team=team))
    assert (rule["timer_seconds"], rule["on_deadline"]) == (None, "")


def test_the_second_editor_is_told_and_finds_the_rule_where_it_is_now(team: Team, admin: Any, client: Client) -> None:
    drafted(team, admin, stored("A"), stored("B"))
    ada = make.person(team)
    drafted(team, ada, stored("New"), stored("A"), stored("B"))
    typed = EMPTY | {"name": "B better", "was": "B", "tier": "low", "revision": "1"}
    answer = client.post(at("policy-rule", team, 2), typed)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"{ada.username} changed the rules while you were editing (added “New”)" in page
    assert 'value="B better"' in page and at("policy-rule", team, 3) in page
    assert names(team) == ["New", "A", "B"]
    client.post(at("policy-rule", team, 3), typed | {"revision": "2"})
    assert names(team) == ["New", "A", "B better"]


def test_a_rule_that_is_gone_meanwhile_is_added_anew(team: Team, admin: Any, client: Client) -> None:
    drafted(team, admin, stored("A"), stored("B"))
    drafted(team, make.person(team), stored("A"))
    answer = client.post(at("policy-rule", team, 2), EMPTY | {"name": "B", "was": "B", "revision": "1"})
    assert answer.status_code == 409
    assert f'action="{at("policy-rule-new", team)}"' in answer.content.decode()


def test_an_old_draft_is_not_published_nor_moved(team: Team, admin: Any, client: Client) -> None:
    drafted(team, admin, stored("A"), stored("B"))
    for address, typed in ((at("policy-publish", team), {}), (at("policy-draft", team), {"do": "up-2"})):
        for revision in ("0", "", "x"):
            told = client.post(address, {"revision": revision, **typed}, follow=True).content.decode()
            assert "changed the rules while you were editing" in told
    assert names(team) == ["A", "B"]
    assert not PolicyVersion.objects.exists()


def test_versions_say_what_differs_and_lead_back(team: Team, admin: Any, client: Client) -> None:
    drafted(team, admin, stored("A"), publish=True)
    drafted(team, admin, stored("A", tier="low"), publish=True)
    page = client.get(at("policy-versions", team)).content.decode()
    assert "tier <del>high</del> → <ins>low</ins>" in page
    assert client.post(at("policy-restore", team, 1)).status_code == 302
    assert client.post(at("policy-restore", team, 9)).status_code == 404
    assert Policy.objects.get(team=team).live.rules[0]["tier"] == "high"
    for number in ("x", "²", "99999999999", "\x00"):
        assert (
            client.get(at("policy-versions", team), {"from": number, "to": number, "before": number}).status_code == 200
        )


def condition(client: Client, team: Team, **typed: str) -> str:
    return client.post(at("policy-condition", team), typed).content.decode()


def test_a_condition_is_checked_while_it_is_typed(team: Team, client: Client) -> None:
    assert "It reads well" in condition(client, team, condition="double(args.amount) > 5.0", tool="refund_order")
    assert "not valid CEL" in condition(client, team, condition="double(args.amount >", tool="refund_order")
    misspelt = condition(client, team, condition="double(args.amuont) > 5.0", tool="refund_order")
    assert "has no argument amuont" in misspelt and "Did you mean amount?" in misspelt
    assert "has no argument" not in condition(client, team, condition="args.anything == 1", tool="*")


def test_the_helper_shows_the_arguments_of_the_tool(team: Team, client: Client) -> None:
    page = condition(client, team, condition="", tool="refund_order")
    assert "args.order_id" in page and "double(args.amount) &gt; 100.0" in page
    assert "Name one tool above" in condition(client, team, condition="", tool="*")


def tried(client: Client, team: Team, **typed: Any) -> Any:
    answer = client.post(at("policy-trial", team), typed)
    assert answer.status_code == 200
    return answer


REFUND = {"order_id": "A-1", "amount": "900.00", "reason": "Late"}


def test_a_trial_asks_live_rules_and_draft(team: Team, admin: Any, client: Client) -> None:
    large = stored("Large", tool="refund_order", condition="double(args.amount) > 500.0", tier="critical")
    drafted(team, admin, large, publish=True)
    drafted(team, admin, stored("Trusted", tool="refund_order", tier="low"), large)
    answer = tried(client, team, tool="refund_order", json=json.dumps(REFUND))
    said = [(one.by, one.verdict.tier, one.verdict.rule) for one in answer.context["judged"]]
    assert said == [("live", "critical", "Large"), ("draft", "low", "Trusted")]
    assert "Refund 900.00 USD to order A-1" in answer.content.decode()
    tainted = tried(client, team, tool="refund_order", json=json.dumps(REFUND), tainted="yes")
    assert tainted.context["judged"][1].verdict.tier == "medium"


def test_a_trial_takes_the_fields_of_the_tool(team: Team, client: Client) -> None:
    ToolTier.objects.create(team=team, tool="refund_order", tier="medium", timer_seconds=60)
    page = client.get(at("policy-trial", team), {"tool": "refund_order"})
    keys = {one.about.name: one.key for one in page.context["fields"]}
    typed = {keys[name]: value for name, value in REFUND.items()}
    answer = tried(client, team, tool="refund_order", **typed)
    (live,) = answer.context["judged"]
    assert (live.verdict.tier, live.verdict.timer_seconds) == ("medium", 60)
    assert 'value="A-1"' in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"json": "{"}, "not JSON"),
        ({"json": "[]"}, "one JSON object"),
        ({"json": "[" * 20_000}, "not JSON"),
        ({"json": json.dumps({"order_id": "B-1"})}, "refused before any rule is asked"),
        ({"json": json.dumps(REFUND), "cost_usd": "inf"}, "numbers from 0 up"),
        ({"json": json.dumps(REFUND), "steps": "-1"}, "numbers from 0 up"),
    ],
)
def test_a_trial_that_cannot_be_says_why(team: Team, client: Client, typed: dict[str, str], said: str) -> None:
    answer = tried(client, team, tool="refund_order", **typed)
    assert said in answer.content.decode()
    assert "judged" not in answer.context


def test_the_page_costs_the_same_however_many_rules(
    team: Team, admin: Any, client: Client, django_assert_max_num_queries: Any
) -> None:
    drafted(team, admin, *[stored(f"Rule {n}") for n in range(60)], publish=True)
    with django_assert_max_num_queries(14):
        assert client.get(reverse("policy")).status_code == 200
