"""Filters of admin lists name only what the person's own teams have."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.api import factories as make

pytestmark = pytest.mark.django_db

LISTS = ["admin:runs_agent_changelist", "admin:runs_run_changelist", "admin:runs_agentversion_changelist"]


def agent_of(team: make.Team) -> make.Agent:
    agent = make.agent(team)
    agent.title = f"Agent of {team.name}"
    agent.save()
    return agent


@pytest.mark.parametrize("name", LISTS)
def test_a_team_admin_reads_nothing_of_other_teams_in_a_filter(name: str) -> None:
    own, also, other = make.team("ours"), make.team("ours-too"), make.team("secret-team")
    person = make.person(own, is_staff=True)
    make.Membership.objects.create(team=also, user=person, role="admin")
    for team in (own, also, other):
        make.run(agent_of(team))
    page = make.signed_in(person).get(reverse(name)).content.decode()
    assert "ours-too" in page
    assert "secret-team" not in page


@pytest.mark.parametrize("name", LISTS)
def test_a_superuser_filters_by_every_team(name: str) -> None:
    for team in (make.team("first"), make.team("second")):
        make.run(agent_of(team))
    page = make.signed_in(make.person(is_staff=True, is_superuser=True)).get(reverse(name)).content.decode()
    assert "first" in page
    assert "second" in page
