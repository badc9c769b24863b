"""The demo's rows: a team, its agents, its policy, a budget, a schedule. What is there already is left as it is."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import transaction
from psycopg.conninfo import conninfo_to_dict

from agentops.accounts.access import SetUp
from agentops.accounts.models import Team
from approvals.models import Policy
from runs.actions import create_trigger, publish_agent
from runs.models import Agent, Budget, Trigger

from . import shop
from .agents import DATABASE_ANALYST, OPERATIONS_LEAD, SUPPORT_DESK, DemoAgent, researcher
from .policy import add_rules

DAILY_LIMIT = Decimal("10.00")
SCHEDULE = "Monday report"


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
        # The lead comes last: it may only hand work to agents that are there.
        agents = (SUPPORT_DESK, DATABASE_ANALYST, researcher(settings.ENV.demo_origin), OPERATIONS_LEAD)
        new = [agent for agent in agents if _agent(team, agent)]
        made += [f"agent {agent.title}" for agent in new]
        made += _policy(team, [agent.name for agent in new])
        _budget, created = Budget.objects.get_or_create(
            team=None, agent=None, user=None, period=Budget.Period.DAY, defaults={"limit_usd": DAILY_LIMIT}
        )
        if created:
            made.append(f"budget of {DAILY_LIMIT} USD a day for everything")
        if OPERATIONS_LEAD in new and _schedule(team):
            made.append(f"schedule {SCHEDULE} (switched off)")
    for agent in (SUPPORT_DESK, OPERATIONS_LEAD):
        shop.fill_workspace(Path(settings.AGENTOPS_AGENT_FILES) / str(team.pk) / agent.name)
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
            inputs=[dict(one) for one in demo.inputs],
            **demo.more,
            **asdict(demo.limits),
        )
    return created


def _schedule(team: Team) -> bool:
    """Switched off: it costs nothing until somebody switches it on, and then runs in their name."""
    if Trigger.objects.filter(team=team, name=SCHEDULE).exists():
        return False
    create_trigger(
        SetUp(),
        kind=Trigger.Kind.SCHEDULE,
        agent=OPERATIONS_LEAD.name,
        team=team.slug,
        active=False,
        name=SCHEDULE,
        goal=OPERATIONS_LEAD.example_goal,
        inputs={"period": "last 7 days"},
        cron="0 8 * * MON",
        timezone="UTC",
    )
    return True


def _policy(team: Team, agents: list[str]) -> list[str]:
    """Rules for agents that are new; a policy that somebody is working on is left alone."""
    policy = Policy.objects.select_related("live").get_or_create(team=team)[0]
    added = add_rules(SetUp(), policy, agents, settings.ENV.demo_origin)
    if added is None:
        return [f"no rules for {', '.join(agents)} (the policy's draft has changes that are not published)"]
    return ["rules for them in the policy of team Shop"] if added else []
