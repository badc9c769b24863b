"""The demo's rows: a team, its agent, its policy and a daily budget. What is there already is left as it is."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import transaction
from psycopg.conninfo import conninfo_to_dict

from agentops.accounts.access import SetUp
from agentops.accounts.models import Team
from approvals.actions import publish_policy
from approvals.models import Policy, Rule
from runs.actions import publish_agent
from runs.models import Agent, Budget

from . import shop
from .agents import SUPPORT_DESK, DemoAgent

DAILY_LIMIT = Decimal("10.00")

RULES = [
    Rule(
        name="Replies to our own customers can go out unless somebody objects",
        tool="send_email",
        taint=Rule.Taint.TAINTED,
        condition='args.to.endsWith("@example.com")',
        tier="medium",
        timer_seconds=90,
    ),
    Rule(
        name="Refunds above 500 USD are for a person to make",
        tool="refund_order",
        condition="double(args.amount) > 500.0",
        tier="critical",
    ),
    Rule(name="Notes in the run's own folder", tool="write_file", taint=Rule.Taint.TAINTED, tier="low"),
]


def seed() -> list[str]:
    """Make what is missing; says what it made, a line each."""
    made = []
    if settings.ENV.shop_url:
        reader = conninfo_to_dict(settings.ENV.shop_reader_url)["user"]
        shop.create(settings.ENV.shop_url, str(reader))
    with transaction.atomic():
        team, created = Team.objects.get_or_create(slug="shop", defaults={"name": "Shop"})
        if created:
            made.append("team Shop")
        if _agent(team, SUPPORT_DESK):
            made.append(f"agent {SUPPORT_DESK.title}")
        if _policy(team):
            made.append("policy with its first version")
        _budget, created = Budget.objects.get_or_create(
            team=None, period=Budget.Period.DAY, defaults={"limit_usd": DAILY_LIMIT}
        )
        if created:
            made.append(f"budget of {DAILY_LIMIT} USD a day for everything")
    shop.fill_workspace(Path(settings.AGENTOPS_AGENT_FILES) / str(team.pk) / SUPPORT_DESK.name)
    return made


def _agent(team: Team, demo: DemoAgent) -> bool:
    agent, created = Agent.objects.get_or_create(
        team=team,
        name=demo.name,
        defaults={"title": demo.title, "description": demo.description, "example_goal": demo.example_goal},
    )
    if created:
        publish_agent(
            SetUp(),
            agent,
            system_prompt=demo.system_prompt,
            tools=list(demo.tools),
            model_chain=list(demo.models),
            **asdict(demo.limits),
        )
    return created


def _policy(team: Team) -> bool:
    policy, created = Policy.objects.get_or_create(team=team)
    if created:
        for position, rule in enumerate(RULES, start=1):
            rule.pk, rule.policy, rule.position = None, policy, position
            rule.save(force_insert=True)
        publish_policy(SetUp(), policy)
    return created
