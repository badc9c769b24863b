"""The admin pages: saving a policy publishes it, mistakes are told in the form, records are read-only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentops.accounts.models import Role, Team
from approvals.models import ApprovalRequest, Policy, PolicyVersion, ToolTier

from . import factories as make

pytestmark = pytest.mark.django_db


def signed_in(actor: Any) -> Client:
    client = Client()
    client.force_login(actor.user)
    return client


def admin_of(team: Team) -> Client:
    return signed_in(make.person(Role.ADMIN, of=team))


def superuser() -> Client:
    actor = make.person(of=make.team())
    actor.user.is_superuser = actor.user.is_staff = True
    actor.user.save()
    return signed_in(actor)


def form_of(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"rules-TOTAL_FORMS": len(rows), "rules-INITIAL_FORMS": 0, **more}
    for number, row in enumerate(rows):
        fields = {
            "position": number, "name": f"Rule {number}", "tool": "*", "agent": "*", "taint": "any",
            "condition": "", "tier": "high", "timer_seconds": "", "on_deadline": "", **row,
        }  # fmt: skip
        data |= {f"rules-{number}-{name}": value for name, value in fields.items()}
    return data


def test_saving_a_policy_publishes_a_version() -> None:
    ours = make.team()
    rows = [{"condition": "double(args.amount) > 100.0"}, {"tier": "medium", "timer_seconds": 30}]
    url = reverse("admin:approvals_policy_add")
    response = admin_of(ours).post(url, form_of(*rows, team=ours.pk), follow=True)
    assert "Published as version 1" in response.content.decode()
    version = PolicyVersion.objects.get()
    assert [rule["tier"] for rule in version.rules] == ["high", "medium"]
    assert Policy.objects.get(team=ours).live == version


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"condition": "1 +"}, "not valid CEL"),
        ({"condition": "amount > 1"}, "There is no amount here"),
        ({"condition": "x" * 3_000}, "at most 2000 characters"),
        ({"condition": "nul \0"}, "Null characters are not allowed"),
        ({"tool": "a b"}, "Write a name, or a pattern"),
        ({"tier": "critical", "timer_seconds": 60, "on_deadline": "expire"}, "Only high can expire"),
        ({"tier": "low", "timer_seconds": 60}, "Only medium counts down"),
        ({"tier": "medium", "timer_seconds": -1}, "greater than or equal to 0"),
        ({"tier": "medium", "timer_seconds": "soon"}, "whole number"),
        ({"tier": "sometimes"}, "Select a valid choice"),
    ],
)
def test_a_mistake_in_a_rule_is_told_in_the_form(row: dict[str, Any], said: str) -> None:
    ours = make.team()
    policy = make.policy(ours)
    url = reverse("admin:approvals_policy_change", args=[policy.pk])
    response = admin_of(ours).post(url, form_of(row))
    assert response.status_code == 200
    assert said in response.content.decode()
    assert not PolicyVersion.objects.exists()
    assert not policy.rules.exists()


def test_another_teams_policy_is_out_of_sight_and_reach() -> None:
    theirs = make.policy(make.team(), {"tier": "low"})
    client = admin_of(make.team())
    url = reverse("admin:approvals_policy_change", args=[theirs.pk])
    assert client.post(url, form_of({})).status_code == 302
    assert theirs.rules.get().tier == "low"
    assert str(theirs) not in client.get(reverse("admin:approvals_policy_changelist")).content.decode()


def test_a_policy_cannot_be_made_for_another_team() -> None:
    theirs = make.team()
    response = admin_of(make.team()).post(
        reverse("admin:approvals_policy_add"), form_of({}, team=theirs.pk), follow=True
    )
    assert "Select a valid choice" in response.content.decode()
    assert not Policy.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_only_admins_come_in(role: Role) -> None:
    ours = make.team()
    policy = make.policy(ours, {"tier": "low"})
    url = reverse("admin:approvals_policy_change", args=[policy.pk])
    assert signed_in(make.person(role, of=ours)).post(url, form_of({})).status_code in {302, 403}
    assert policy.rules.get().tier == "low"


def test_versions_are_shown_in_words_and_never_changed() -> None:
    ours = make.team()
    policy = make.policy(ours)
    client = admin_of(ours)
    rule = {"name": "Large <refunds>", "condition": "double(args.amount) > 100.0"}
    client.post(reverse("admin:approvals_policy_change", args=[policy.pk]), form_of(rule))
    url = reverse("admin:approvals_policyversion_change", args=[PolicyVersion.objects.get().pk])
    page = client.get(url).content.decode()
    assert "“Large &lt;refunds&gt;”: any tool by any agent, when double(args.amount) &gt; 100.0 → high" in page
    assert client.post(url, {"number": 7}).status_code == 403
    assert client.post(reverse("admin:approvals_policyversion_add"), {}).status_code == 403


def test_requests_and_decisions_are_read_only(subject: make.Subject) -> None:
    ours = make.team()
    asked = make.request(ours)
    client = admin_of(ours)
    url = reverse("admin:approvals_approvalrequest_change", args=[asked.pk])
    assert asked.effect in client.get(url).content.decode()
    assert client.post(url, {"status": "approved"}).status_code == 403
    assert client.post(reverse("admin:approvals_approvalrequest_delete", args=[asked.pk])).status_code == 403
    assert client.get(reverse("admin:approvals_approvalrequest_changelist")).status_code == 200
    assert ApprovalRequest.objects.get().status == "pending"


def test_a_tool_tier_is_set_for_ones_own_team_only() -> None:
    ours = make.team()
    client = admin_of(ours)
    url = reverse("admin:approvals_tooltier_add")
    fields = {"tool": "send_email", "tier": "medium", "timer_seconds": 60}
    assert client.post(url, {**fields, "team": ""}).status_code == 200, "every team is not one team's to set"
    assert client.post(url, {**fields, "team": make.team().pk}).status_code == 200
    assert not ToolTier.objects.exists()
    assert client.post(url, {**fields, "team": ours.pk}).status_code == 302
    assert ToolTier.objects.get().team == ours


def test_two_tiers_for_one_tool_and_a_countdown_on_low_are_told_in_the_form() -> None:
    client, url = superuser(), reverse("admin:approvals_tooltier_add")
    assert client.post(url, {"tool": "send", "tier": "high"}).status_code == 302
    assert client.post(url, {"tool": "send", "tier": "low"}).status_code == 200
    low = client.post(url, {"tool": "read", "tier": "low", "timer_seconds": 5})
    assert "Only medium counts down" in low.content.decode()
    assert ToolTier.objects.count() == 1
