"""Deciding several at once: what the panel names, what it leaves out, and what becomes of each."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from agentops.accounts.access import Actor
from agentops.accounts.models import Role, Team
from agentops.core.tools import Tier
from approvals import actions
from approvals.models import ApprovalRequest

from . import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("subject")]


@pytest.fixture
def team() -> Team:
    return factories.team()


@pytest.fixture
def approver(team: Team) -> Actor:
    return factories.person(Role.APPROVER, of=team)


@pytest.fixture
def client(approver: Actor) -> Client:
    made = Client(headers={"HX-Request": "true"})
    made.force_login(approver.user)  # type: ignore[arg-type]
    return made


def post(client: Client, *requests: ApprovalRequest, **data: str) -> Any:
    pick = [f"{request.pk}:{request.revision}" for request in requests]
    return client.post("/approvals/selection", {"pick": pick, **data})


def statuses(*requests: ApprovalRequest) -> list[str]:
    return [ApprovalRequest.objects.get(pk=request.pk).status for request in requests]


def test_the_panel_names_the_count_the_worst_and_what_is_left_out(team: Team, client: Client) -> None:
    mild, worse = factories.request(team, Tier.MEDIUM), factories.request(team)
    ApprovalRequest.objects.filter(pk=worse.pk).update(effect="Refund 900 USD")
    never = factories.request(team, Tier.CRITICAL)
    asks = factories.request(team)
    ApprovalRequest.objects.filter(pk=asks.pk).update(wants="answer")
    panel = post(client, mild, worse, never, asks).content.decode()
    assert "Decide 2 requests together" in panel
    assert panel.index("The worst of them") < panel.index("Refund 900 USD") < panel.index("Left out")
    assert "critical: never in a group" in panel and "a question wants an answer" in panel
    (picked,) = {part.split('"')[0] for part in panel.split('name="pick" value="')[1:]}
    assert str(never.pk) not in picked and str(asks.pk) not in picked and str(mild.pk) in picked
    assert statuses(mild, worse, never, asks) == ["pending"] * 4


def test_each_request_has_its_own_result(team: Team, approver: Actor, client: Client) -> None:
    first, taken, never = factories.request(team), factories.request(team), factories.request(team, Tier.CRITICAL)
    other = factories.person(Role.APPROVER, of=team, name="grace")
    actions.decide(other, taken.pk, decision="reject", revision=1, via="page")
    result = post(client, first, taken, never, decision="approve").content.decode()
    assert "1 request approved" in result and "2 not" in result
    assert "grace was first" in result
    assert statuses(first, taken, never) == ["approved", "rejected", "pending"]


def test_a_group_is_taken_back_together(team: Team, client: Client, settings: Any) -> None:
    settings.AGENTOPS_GRACE_SECONDS = 60
    requests = [factories.request(team) for _ in range(3)]
    result = post(client, *requests, decision="approve").content.decode()
    assert statuses(*requests) == ["approved"] * 3
    picked = result.split('name="pick" value="')[1].split('"')[0]
    back = client.post("/approvals/selection", {"pick": picked, "decision": "take_back"})
    assert "3 requests taken back" in back.content.decode()
    assert statuses(*requests) == ["pending"] * 3


def test_a_rejection_gives_every_agent_the_reason(team: Team, client: Client) -> None:
    requests = [factories.request(team) for _ in range(2)]
    post(client, *requests, decision="reject", reason="Not this month")
    reasons = ApprovalRequest.objects.filter(team=team).values_list("decision_reason", flat=True)
    assert set(reasons) == {"Not this month"}


def test_a_reason_that_is_refused_decides_nothing_and_says_why(team: Team, client: Client) -> None:
    request = factories.request(team)
    result = post(client, request, decision="reject", reason="No\u202e!").content.decode()
    assert statuses(request) == ["pending"]
    assert "0 requests rejected, 1 not" in result and "hidden character" in result


def test_other_teams_requests_are_neither_shown_nor_decided(client: Client) -> None:
    hidden = factories.request(factories.team())
    panel = post(client, hidden).content.decode()
    assert "None of these can be decided together" in panel
    assert hidden.effect not in panel
    assert hidden.effect not in post(client, hidden, decision="approve").content.decode()
    assert statuses(hidden) == ["pending"]


@pytest.mark.parametrize("pick", ["", "x", "x:1", ":", "00000000-0000-0000-0000-000000000000:1", "a" * 5000])
def test_what_is_no_selection_is_answered_calmly(client: Client, pick: str) -> None:
    assert client.post("/approvals/selection", {"pick": pick}).status_code == 200
    assert client.post("/approvals/selection", {"pick": pick, "decision": "approve"}).status_code in (200, 422)


def test_a_viewer_decides_none(team: Team) -> None:
    request = factories.request(team)
    viewer = Client(headers={"HX-Request": "true"})
    viewer.force_login(factories.person(Role.VIEWER, of=team).user)  # type: ignore[arg-type]
    post(viewer, request, decision="approve")
    assert statuses(request) == ["pending"]
