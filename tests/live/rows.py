"""The rows these tests need, made the short way."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from agentops.accounts.models import Membership, Role, Team
from runs.models import Event, Run

_numbers = itertools.count(1)


def make_team() -> Team:
    number = next(_numbers)
    return Team.objects.create(name=f"Team {number}", slug=f"team-{number}")


def make_person(*teams: Team, **fields: Any) -> Any:
    person = get_user_model().objects.create_user(f"person{next(_numbers)}", password="a long password", **fields)
    for team in teams:
        Membership.objects.create(team=team, user=person, role=Role.VIEWER)
    return person


def sign_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def make_run(team: Team, events: int = 0) -> Run:
    run = Run.objects.create(
        team=team,
        agent_name="a",
        goal="g",
        max_steps=1,
        max_tool_calls=1,
        max_tokens=1,
        max_cost_usd=1,
        max_seconds=1,
    )
    for _ in range(events):
        commit_event(run)
    return run


def commit_event(run: Run, kind: str = "step.opened", **data: Any) -> dict[str, Any]:
    """As the journal does it: the run's row numbers the event."""
    with transaction.atomic():
        Run.objects.filter(pk=run.pk).update(seq=F("seq") + 1)
        seq = Run.objects.values_list("seq", flat=True).get(pk=run.pk)
        Event.objects.create(run=run, seq=seq, kind=kind, data=data, at=timezone.now())
    return {"seq": seq, "kind": kind, "data": data}
