"""The pages of tools without a browser: figures, failures, schemas, and tiers that admins change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentops.accounts.models import Membership, Team
from agentops.tools.registry import registry
from approvals.models import ToolTier
from runs import figures
from runs.models import Agent, AgentVersion, HourlyTools, Run, Step, ToolCall
from runs.pages import schema

pytestmark = pytest.mark.django_db
TOOL = "send_email"


def team(name: str = "Shop") -> Team:
    return Team.objects.create(name=name, slug=name.lower())


def sign_in(name: str, of: Team | None = None, role: str = "", superuser: bool = False) -> Client:
    who = User.objects.create(username=name, is_superuser=superuser)
    if of:
        Membership.objects.create(team=of, user=who, role=role)
    client = Client()
    client.force_login(who)
    return client


def counted(of: Team, tool: str = TOOL, **values: int) -> None:
    durations = [0] * figures.BUCKETS
    durations[6] = values.get("succeeded", 0)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    HourlyTools.objects.create(team=of, tool=tool, hour=hour, durations=durations, **values)


def failed(of: Team, error: str, **values: Any) -> ToolCall:
    limits = {"max_steps": 9, "max_tool_calls": 9, "max_tokens": 9000, "max_cost_usd": 1, "max_seconds": 60}
    run = Run.objects.create(team=of, agent_name="desk", goal="Write to Ada", **limits)
    step = Step.objects.create(run=run, number=1, status="answered", fence=1, input={}, opened_at=timezone.now())
    known = {"tool_use_id": "t", "raw_arguments": {}, "arguments": {}, "position": 0, "tool": TOOL, "status": "failed"}
    times = {"proposed_at": timezone.now(), "ended_at": timezone.now()}
    result = {"status": "error", "error": error}
    return ToolCall.objects.create(run=run, step=step, result=result, **{**known, **times, **values})


def text(client: Client, name: str = "", status: int = 200, **form: str) -> str:
    address = reverse("tool", args=[name]) if name else reverse("tools")
    answer = client.post(reverse("tool-tier", args=[name]), form) if form else client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def test_every_tool_is_listed_with_what_it_does_even_if_nobody_ever_called_it() -> None:
    shown = text(sign_in("ada", team(), "viewer"))
    for name in registry.names():
        assert reverse("tool", args=[name]) in shown


@pytest.mark.parametrize("name", registry.names())
def test_every_tool_has_a_page(name: str) -> None:
    shown = text(sign_in("ada", team(), "viewer"), name)
    assert "No call ended in these days." in shown
    assert "An admin of a team changes it" in shown


def test_figures_are_those_of_teams_that_one_may_see() -> None:
    ours, theirs = team(), team("Rivals")
    counted(ours, calls=20, succeeded=17, failed=3, first_tries=20, first_succeeded=17)
    counted(theirs, calls=4321, failed=4321)
    counted(ours, tool="made_up", calls=7, invalid=7)
    shown = text(sign_in("ada", ours, "viewer"))
    assert "85 %" in shown and "4.3k" not in shown
    assert "7 calls named tools that do not exist" in shown
    assert "Calls of send_email by day" in text(sign_in("bob", ours, "viewer"), TOOL)


def test_the_last_failures_say_why_and_link_to_the_call() -> None:
    ours, theirs = team(), team("Rivals")
    call = failed(ours, "550 no such mailbox")
    failed(theirs, "a secret of theirs")
    failed(ours, "too long ago", ended_at=timezone.now() - timedelta(days=9))
    shown = text(sign_in("ada", ours, "viewer"), TOOL)
    assert "550 no such mailbox" in shown and f"{reverse('run', args=[call.run_id])}#call-{call.pk}" in shown
    assert "a secret of theirs" not in shown and "too long ago" not in shown


def test_a_tool_that_an_agent_names_and_no_app_has_is_said_to_be_missing() -> None:
    ours = team()
    agent = Agent.objects.create(team=ours, name="desk", title="Desk")
    agent.live = AgentVersion.objects.create(agent=agent, number=1, system_prompt="p", tools=["gone/../<b>"])
    agent.save()
    ada = sign_in("ada", ours, "viewer")
    assert "gone/../&lt;b&gt;" in text(ada)
    assert "No app of this installation has this tool" in text(ada, "gone/../<b>")


@pytest.mark.parametrize("name", ["nothing", "nul\x00", "a/b"])
def test_a_tool_that_is_not_there_is_not_found(name: str) -> None:
    ada = sign_in("ada", team(), "admin")
    text(ada, name, status=404)
    text(ada, name, status=404, team="all", tier="")


def test_an_admin_sets_a_teams_tier_and_takes_it_back() -> None:
    ours = team()
    ada = sign_in("ada", ours, "admin")
    text(ada, TOOL, 302, team=str(ours.pk), tier="medium", timer_seconds="60")
    assert ToolTier.objects.values_list("team", "tier", "timer_seconds").get() == (ours.pk, "medium", 60)
    assert "Shop: Medium" in text(ada)
    text(ada, TOOL, 302, team=str(ours.pk), tier="critical", timer_seconds="60")
    assert ToolTier.objects.values_list("tier", "timer_seconds").get() == ("critical", None)
    text(ada, TOOL, 302, team=str(ours.pk), tier="")
    assert not ToolTier.objects.exists()


@pytest.mark.parametrize("seconds", ["soon", "-1", "0", "99999999", "²"])
def test_a_countdown_that_cannot_be_is_refused(seconds: str) -> None:
    ours = team()
    ada = sign_in("ada", ours, "admin")
    text(ada, TOOL, 422, team=str(ours.pk), tier="medium", timer_seconds=seconds)
    assert not ToolTier.objects.exists()


def test_who_does_not_administer_changes_no_tier() -> None:
    ours, theirs = team(), team("Rivals")
    for role in ("viewer", "operator", "approver"):
        text(sign_in(role, ours, role), TOOL, 403, team=str(ours.pk), tier="low")
    ada = sign_in("ada", ours, "admin")
    text(ada, TOOL, 403, team=str(theirs.pk), tier="low")
    text(ada, TOOL, 403, team="all", tier="low")
    text(ada, TOOL, 404, team="x", tier="low")
    text(ada, TOOL, 422, team=str(ours.pk), tier="lowest")
    assert not ToolTier.objects.exists()
    text(sign_in("root", superuser=True), TOOL, 302, team="all", tier="high")
    assert ToolTier.objects.get().team is None


def test_the_list_takes_the_same_number_of_queries_however_many_agents(django_assert_num_queries: Any) -> None:
    ours = team()
    ada = sign_in("ada", ours, "viewer")
    text(ada)
    for number in range(6):
        agent = Agent.objects.create(team=ours, name=f"a{number}", title=f"Agent {number}")
        agent.live = AgentVersion.objects.create(agent=agent, number=1, system_prompt="p", tools=[TOOL])
        agent.save()
        ToolTier.objects.create(team=ours, tool=f"tool{number}", tier="high")
        counted(ours, tool=f"tool{number}", calls=1)
    with django_assert_num_queries(9):
        text(ada)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"type": "integer", "minimum": 1}, "whole number, at least 1"),
        ({"enum": ["a", "b"]}, "one of a, b"),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or nothing"),
        ({"$ref": "#/$defs/Colour"}, "one of red"),
        ({}, ""),
    ],
)
def test_a_parameter_is_told_in_words(part: dict[str, Any], said: str) -> None:
    whole = {"properties": {"x": part}, "required": ["x"], "$defs": {"Colour": {"enum": ["red"]}}}
    (shown,) = schema.parameters(whole)
    assert (shown.kind, shown.required) == (said, True)
