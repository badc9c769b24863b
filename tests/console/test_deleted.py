"""Whoever and whatever is deleted stays in history by name, and no page stumbles over the gap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from agentops.accounts.access import Actor
from approvals.actions import claim, decide
from runs.actions import publish_agent, save_budget, send_message, start_run
from runs.models import Agent, Budget, Run
from tests.access.expected import PAGES
from tests.access.world import World
from tests.api import factories

GONE = {"sign-out/", "password/<uidb64>/<token>/", "readyz", "healthz"}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Everybody acted on everything; then the people (but the superuser) and the agent were deleted."""
    with django_db_blocker.unblock(), transaction.atomic():
        world = World()
        boss = Actor(world.people["admin"])
        agent = Agent.objects.get(team=world.team)
        publish_agent(boss, agent, system_prompt="Help more.", tools=[], model_chain=["claude-sonnet-4-5"])
        run, _ = start_run(boss, agent=agent.name, goal="Do it.", via="page")
        send_message(boss, run.pk, "Hello.")
        save_budget(boss, Budget(team=world.team, agent=agent, period="day", limit_usd=1))
        save_budget(boss, Budget(team=world.team, user=world.people["operator"], period="day", limit_usd=1))
        held = factories.held(run)
        claim(boss, held.pk)
        decide(boss, held.pk, decision="reject", revision=held.revision, via="page")
        Agent.objects.filter(pk=agent.pk).update(live=None, candidate=None)
        agent.refresh_from_db()
        agent.delete()
        root = world.people["superuser"]
        User.objects.exclude(pk=root.pk).delete()
        world.values |= {"run_id": run.pk, "request_id": held.pk}
        yield world
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("line", sorted(line for line in PAGES if line.startswith("GET ") and line[4:] not in GONE))
def test_every_page_is_there_after_its_people_and_agent_are_gone(world: World, line: str) -> None:
    with transaction.atomic():
        answer = world.clients["superuser"].get(world.address(line[4:]))
        transaction.set_rollback(True)
    # A trigger goes with the agent that it starts.
    gone = {"<slug:name>", "<int:person_id>", "<uuid:trigger_id>"}
    expected = {404} if any(part in line for part in gone) and "tools/" not in line else {200, 302}
    assert answer.status_code in expected, answer.content[:300]


@pytest.mark.django_db
def test_the_history_still_names_them(world: World) -> None:
    client = world.clients["superuser"]
    run = Run.objects.get(pk=world.values["run_id"])
    assert (run.agent, run.started_by) == (None, None)
    page = client.get(world.address("runs/<uuid:run_id>/")).content.decode()
    assert run.started_by_name in page
    assert run.agent_name in page
    assert run.started_by_name in client.get("/approvals/history/").content.decode()
