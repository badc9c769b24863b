"""The demo is made once, is added to what is there, and takes nothing from anybody."""

from __future__ import annotations

import pytest

from agentops.accounts.access import SetUp
from agentops.demo.policy import sample_rules
from agentops.demo.seed import seed
from agentops.tools.registry import registry
from approvals import policy as policies
from approvals import rules
from approvals.actions import publish_policy, save_draft
from approvals.actions.publishing import draft_of
from approvals.models import Policy
from runs.models import Agent, Budget, Trigger

pytestmark = pytest.mark.django_db(transaction=True)

AGENTS = ["database-analyst", "operations-lead", "researcher", "support-desk"]


def live_rules() -> list[str]:
    return [rule["name"] for rule in Policy.objects.get().live.rules]  # type: ignore[union-attr]  # it is published


def test_it_makes_agents_with_tools_that_exist() -> None:
    made = seed()
    assert sorted(Agent.objects.values_list("name", flat=True)) == AGENTS
    for agent in Agent.objects.select_related("live"):
        assert agent.live and set(agent.live.tools) <= set(registry.names())
    assert "agent Researcher" in made
    assert Agent.objects.get(name="database-analyst").live.inputs[0]["choices"][0] == "all orders"  # type: ignore[union-attr]


def test_a_second_time_changes_nothing() -> None:
    seed()
    before = (live_rules(), Policy.objects.get().live_id, Budget.objects.count())
    assert seed() == []
    assert (live_rules(), Policy.objects.get().live_id, Budget.objects.count()) == before


def test_the_lead_plans_under_review_hands_work_on_and_is_judged() -> None:
    seed()
    lead = Agent.objects.get(name="operations-lead").live
    assert lead and lead.planning == "reviewed" and set(lead.delegates_to) < set(AGENTS)
    assert [one["kind"] for one in lead.success] == ["judge"]


def test_its_schedule_is_off_and_stays_away_once_it_is_deleted() -> None:
    seed()
    schedule = Trigger.objects.get()
    assert (schedule.active, schedule.next_at, schedule.owner) == (False, None, None)
    assert schedule.agent.name == "operations-lead"
    schedule.delete()
    assert seed() == [] and not Trigger.objects.exists()


def as_before_the_new_agents() -> Policy:
    """An installation of the time when the demo had the support desk only; its draft, not yet published."""
    seed()
    for agent in Agent.objects.exclude(name="support-desk"):
        Agent.objects.filter(pk=agent.pk).update(name=f"other-{agent.pk}")
    policy = Policy.objects.get()
    return save_draft(SetUp(), policy, [rule for rule in draft_of(policy) if rule["agent"] == "*"])


def test_an_older_installation_gets_the_new_agents_with_their_rules_behind_its_own() -> None:
    publish_policy(SetUp(), as_before_the_new_agents())
    old = live_rules()
    assert "agent Researcher" in seed()
    assert live_rules()[: len(old)] == old
    assert len(live_rules()) == len(old) + 2


def test_a_policy_that_somebody_is_changing_is_left_alone() -> None:
    before = draft_of(as_before_the_new_agents())
    made = seed()
    assert any("no rules for" in line for line in made)
    assert draft_of(Policy.objects.get()) == before


@pytest.mark.parametrize(
    ("origin", "url", "tier"),
    [
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001/pages/postage", "low"),
        ("http://127.0.0.1:8001", "https://evil.example/?d=secret", "medium"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001.evil.example/", "medium"),
        ("", "https://example.org/page", "low"),
        ("", "https://evil.example/?d=secret", "medium"),
    ],
)
def test_a_tainted_researcher_fetches_from_elsewhere_only_with_a_person(origin: str, url: str, tier: str) -> None:
    seed()
    policy = Policy.objects.get()
    save_draft(SetUp(), policy, [rules.as_json(rule) for rule in sample_rules(origin)["researcher"]])
    publish_policy(SetUp(), policy)
    tool = registry.get("http_fetch")
    assert tool is not None
    verdict = policies.snapshot(policy.team_id).verdict(
        tool="http_fetch",
        own_tier=tool.tier,
        agent="researcher",
        arguments={"url": url},
        tainted_by="a page",
        facts={"reads_only": True},
    )
    assert (verdict.tier, verdict.rule_error) == (tier, "")


@pytest.mark.parametrize("name", ["write_file", "restore_file"])
def test_a_note_is_written_and_put_back_without_a_person_whatever_was_read(name: str) -> None:
    seed()
    tool = registry.get(name)
    assert tool is not None
    verdict = policies.snapshot(Policy.objects.get().team_id).verdict(
        tool=name, own_tier=tool.tier, agent="support-desk", arguments={}, tainted_by="mail 3.eml", facts={}
    )
    assert (verdict.tier, verdict.rule_error) == ("low", "")


def test_the_analysts_look_at_addresses_waits_for_a_person() -> None:
    seed()
    team = Policy.objects.get().team_id
    for query, tier in (("SELECT Email FROM customers", "medium"), ("SELECT item FROM orders", "low")):
        verdict = policies.snapshot(team).verdict(
            tool="sql_query",
            own_tier=registry.get("sql_query").tier,  # type: ignore[union-attr]  # it is built in
            agent="database-analyst",
            arguments={"query": query},
            tainted_by="",
            facts={"reads_only": True},
        )
        assert (verdict.tier, verdict.rule_error) == (tier, "")
