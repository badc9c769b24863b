"""The verdict: rules in order, then the tool's tier; failing and tainted calls go to a person."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from agentops.accounts.models import Role
from agentops.core.errors import InvalidInput, NotAllowed
from agentops.core.tools import Tier
from approvals.actions import open_request, publish_policy
from approvals.models import PolicyVersion, ToolTier
from approvals.policy import SNAPSHOT, Snapshot, Verdict, snapshot

from . import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours():
    return make.team()


def published(ours, *rules: dict[str, Any]) -> Snapshot:
    publish_policy(make.person(Role.ADMIN, of=ours), make.policy(ours, *rules))
    return snapshot(ours.pk)


def judge(live: Snapshot, own_tier: Tier = Tier.LOW, *, tainted_by: str = "", **more: Any) -> Verdict:
    facts = {"reads_only": False, "cost_usd": 0, "steps": 1, "tool_calls": 1, **more.pop("facts", {})}
    call = {"tool": "refund_order", "agent": "support", "arguments": {"amount": "129.00"}, **more}
    return live.verdict(own_tier=own_tier, tainted_by=tainted_by, facts=facts, **call)


def test_the_first_rule_that_matches_wins(ours) -> None:
    live = published(
        ours,
        {"name": "Huge", "condition": "double(args.amount) > 1000.0", "tier": "critical"},
        {"name": "Refunds over 100", "tool": "refund_*", "condition": "double(args.amount) > 100.0"},
        {"name": "Anything", "tier": "low"},
    )
    verdict = judge(live)
    assert (verdict.tier, verdict.rule, verdict.rule_error) == (Tier.HIGH, "Refunds over 100", "")
    assert verdict.reason == "Rule “Refunds over 100” (policy version 1)"
    assert verdict.policy_version_id == PolicyVersion.objects.get().pk
    assert judge(live, arguments={"amount": "5"}).rule == "Anything"


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({"tool": "refund_order"}, True),
        ({"tool": "refund_?rder"}, True),
        ({"tool": "Refund_*"}, False),
        ({"agent": "sup*"}, True),
        ({"agent": "sales"}, False),
        ({"taint": "clean"}, True),
        ({"taint": "tainted"}, False),
    ],
)
def test_a_rule_asks_for_tool_agent_and_taint(ours, rule: dict[str, str], matches: bool) -> None:
    assert (judge(published(ours, rule)).rule != "") is matches


@pytest.mark.parametrize("tier", list(Tier))
def test_without_a_match_the_tools_own_tier_counts(ours, tier: Tier) -> None:
    verdict = judge(snapshot(ours.pk), tier)
    assert (verdict.tier, verdict.rule, verdict.policy_version_id) == (tier, "", None)
    assert verdict.reason == f"refund_order is {tier} by its own setting"


def test_an_admins_tier_for_a_tool_counts_at_once_the_teams_before_everyones(ours) -> None:
    ToolTier.objects.create(tool="refund_order", tier="high")
    assert judge(snapshot(ours.pk)).tier is Tier.HIGH
    ToolTier.objects.create(team=ours, tool="refund_order", tier="medium", timer_seconds=20)
    verdict = judge(snapshot(ours.pk))
    assert (verdict.tier, verdict.timer_seconds, verdict.on_deadline) == (Tier.MEDIUM, 20, "approve")
    assert judge(snapshot(make.team().pk)).tier is Tier.HIGH
    ToolTier.objects.create(team=make.team(), tool="refund_order", tier="low")
    assert judge(snapshot(ours.pk)).tier is Tier.MEDIUM


@pytest.mark.parametrize(("tier", "expected"), [("low", "high"), ("medium", "high"), ("critical", "critical")])
def test_a_rule_that_cannot_be_evaluated_goes_to_a_person(ours, tier: str, expected: str) -> None:
    rule = {"name": "Large", "condition": "double(args.sum) > 1.0", "tier": tier}
    verdict = judge(published(ours, rule, {"name": "All", "tier": "low"}))
    assert (verdict.tier, verdict.rule, verdict.timer_seconds) == (expected, "Large", None)
    assert "sum" in verdict.rule_error
    assert "could not be evaluated" in verdict.reason


def test_a_condition_that_is_not_yes_or_no_goes_to_a_person(ours) -> None:
    verdict = judge(published(ours, {"condition": "args.amount", "tier": "low"}))
    assert (verdict.tier, verdict.rule_error) == (Tier.HIGH, "It is str, not true or false.")


def test_a_missing_fact_goes_to_a_person(ours) -> None:
    live = published(ours, {"condition": "run.cost_usd > 1.0", "tier": "low"})
    verdict = live.verdict(
        tool="send", own_tier=Tier.LOW, agent="a", arguments={}, tainted_by="", facts={"reads_only": False}
    )
    assert verdict.tier is Tier.HIGH


@pytest.mark.parametrize(
    ("own", "raised"), [("low", "medium"), ("medium", "high"), ("high", "high"), ("critical", "critical")]
)
def test_a_tainted_run_goes_one_tier_up(ours, own: str, raised: str) -> None:
    verdict = judge(snapshot(ours.pk), Tier(own), tainted_by="mail 02-invoice-copy.eml")
    assert verdict.tier == raised
    said = "one tier up because the run read untrusted content (mail 02-invoice-copy.eml)"
    assert (said in verdict.reason) is (own != raised)
    assert (verdict.timer_seconds, verdict.on_deadline) == ((300, "approve") if raised == "medium" else (None, ""))


def test_taint_raises_a_matched_rule_too_unless_the_rule_speaks_of_taint(ours) -> None:
    assert judge(published(ours, {"tier": "low"}), tainted_by="mail").tier is Tier.MEDIUM
    aware = make.team()
    assert judge(published(aware, {"tier": "low", "taint": "tainted"}), tainted_by="mail").tier is Tier.LOW


def test_reading_is_not_raised_by_taint(ours) -> None:
    assert judge(snapshot(ours.pk), tainted_by="mail", facts={"reads_only": True}).tier is Tier.LOW


def test_the_source_of_taint_cannot_draw_over_the_reason(ours) -> None:
    verdict = judge(snapshot(ours.pk), tainted_by="mail \u202egnp.exe\n")
    assert verdict.reason.isprintable()


def test_a_high_rule_may_expire(ours) -> None:
    verdict = judge(published(ours, {"on_deadline": "expire", "timer_seconds": 60}))
    assert (verdict.tier, verdict.timer_seconds, verdict.on_deadline) == (Tier.HIGH, 60, "expire")


def test_a_raised_medium_rule_keeps_no_countdown(ours) -> None:
    verdict = judge(published(ours, {"tier": "medium", "timer_seconds": 5}), tainted_by="mail")
    assert (verdict.tier, verdict.timer_seconds, verdict.on_deadline) == (Tier.HIGH, None, "")


def test_a_step_costs_one_query_however_many_calls_it_has(ours, django_assert_num_queries) -> None:
    published(ours, {"condition": "double(args.amount) > 1.0"})
    judge(snapshot(ours.pk))
    before = executions(SNAPSHOT)
    with django_assert_num_queries(0):  # that one is no query of Django's: it is prepared
        live = snapshot(ours.pk)
        for _ in range(8):
            judge(live)
    assert executions(SNAPSHOT) == before + 1


def executions(statement: str) -> int:
    with connection.cursor() as cursor:
        counted = "SELECT sum(generic_plans + custom_plans) FROM pg_prepared_statements WHERE statement = %s"
        cursor.execute(counted, [statement])
        return int(cursor.fetchone()[0])


def test_a_new_version_decides_at_once_and_old_ones_stay(ours) -> None:
    admin = make.person(Role.ADMIN, of=ours)
    policy = make.policy(ours, {"tier": "low"})
    first = publish_policy(admin, policy)
    assert judge(snapshot(ours.pk), Tier.HIGH).tier is Tier.LOW
    policy.rules.update(tier="critical")
    assert judge(snapshot(ours.pk)).tier is Tier.LOW, "what is not published decides nothing"
    second = publish_policy(admin, policy)
    assert (first.number, second.number, second.created_by) == (1, 2, admin.user)
    assert judge(snapshot(ours.pk)).policy_version_id == second.pk
    assert PolicyVersion.objects.get(pk=first.pk).rules[0]["tier"] == "low"


def test_publishing_the_same_rules_makes_no_version(ours) -> None:
    admin, policy = make.person(Role.ADMIN, of=ours), make.policy(ours, {"tier": "low"})
    assert publish_policy(admin, policy) == publish_policy(admin, policy)
    assert PolicyVersion.objects.count() == 1


def test_a_published_version_cannot_be_rewritten(ours) -> None:
    published(ours, {"tier": "high"})
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        PolicyVersion.objects.update(rules=[])


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_only_admins_publish(ours, role: Role) -> None:
    policy = make.policy(ours, {"tier": "low"})
    with pytest.raises(NotAllowed):
        publish_policy(make.person(role, of=ours), policy)
    with pytest.raises(NotAllowed):
        publish_policy(make.person(Role.ADMIN, of=make.team()), policy)
    assert not PolicyVersion.objects.exists()


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"condition": "1 +"}, "condition"),
        ({"condition": "amount > 1"}, "condition"),
        ({"name": " "}, "name"),
        ({"name": "turned \u202e"}, "name"),
        ({"tool": "mail *"}, "tool"),
        ({"agent": "[a]"}, "agent"),
        ({"tier": "none"}, "tier"),
        ({"taint": "maybe"}, "taint"),
        ({"tier": "medium", "on_deadline": "expire", "timer_seconds": 60}, "on_deadline"),
        ({"tier": "critical", "on_deadline": "expire", "timer_seconds": 60}, "on_deadline"),
        ({"on_deadline": "approve", "timer_seconds": 60}, "on_deadline"),
        ({"on_deadline": "expire"}, "timer_seconds"),
        ({"tier": "low", "timer_seconds": 60}, "timer_seconds"),
        ({"tier": "high", "timer_seconds": 60}, "timer_seconds"),
        ({"tier": "medium", "timer_seconds": 0}, "timer_seconds"),
        ({"tier": "medium", "timer_seconds": 2_000_000_000}, "timer_seconds"),
    ],
)
def test_a_rule_that_cannot_work_is_not_published(ours, rule: dict[str, Any], field: str) -> None:
    policy = make.policy(ours, {"tier": "low"}, rule)
    with pytest.raises(InvalidInput) as refused:
        publish_policy(make.person(Role.ADMIN, of=ours), policy)
    assert refused.value.field == f"rules.2.{field}"
    assert not PolicyVersion.objects.exists()


def test_a_request_names_the_version_it_was_judged_by(ours, subject: make.Subject) -> None:
    verdict = judge(published(ours, {"name": "Refunds"}))
    asked = open_request(
        team_id=ours.pk, verdict=verdict, tool="refund_order", arguments={"amount": "129.00"}, effect="Refund",
        bound_hash="0" * 64, subject_kind=make.KIND, subject_id="1", context={}, agent="support", tainted_by="",
    )  # fmt: skip
    asked.refresh_from_db()
    assert (asked.rule, asked.policy_version.number, asked.tier) == ("Refunds", 1, "high")
