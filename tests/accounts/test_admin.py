"""The admin pages: open to who administers a team, and no wider than that team."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse

from agentops.accounts import tokens
from agentops.accounts.models import AccessChange, ApiToken, Membership, Role
from runs.models import Agent, Budget, Run
from tests.api import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Any:
    return factories.team()


@pytest.fixture
def client(team: Any) -> Any:
    return factories.signed_in(factories.person(team, Role.ADMIN))


@pytest.fixture
def superuser() -> Any:
    return factories.signed_in(factories.person(is_superuser=True, is_staff=True))


def lists() -> list[str]:
    return [f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry]


def populate(team: Any) -> Run:
    agent = factories.agent(team)
    run = factories.run(agent)
    factories.call(factories.step(run))
    factories.held(factories.run(agent))
    Budget.objects.create(team=team, period="day", limit_usd=5)
    return run


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_other_roles_stay_outside_even_as_staff(role: Role, team: Any) -> None:
    client = factories.signed_in(factories.person(team, role, is_staff=True))
    assert client.get(reverse("admin:index")).status_code == 302
    for name in lists():
        assert client.get(reverse(name)).status_code == 302


def test_every_list_and_every_row_opens_for_a_superuser(superuser: Any, team: Any) -> None:
    populate(team)
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert superuser.get(reverse(f"{name}_changelist")).status_code == 200, name
        row = model._default_manager.first()
        if row is not None:
            assert superuser.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200, name


def test_a_nul_in_a_filter_is_a_bad_request(superuser: Any) -> None:
    assert superuser.get(reverse("admin:runs_run_changelist") + "?status__exact=%00").status_code == 400


def test_a_teams_admin_sees_no_row_of_another_team(client: Any, team: Any) -> None:
    populate(team)
    other = populate(factories.team())
    rows = [other, other.agent, other.version, other.step_set.get(), other.call_set.get(), other.team]
    rows += [other.model_calls.get(), Budget.objects.get(team=other.team)]
    for row in rows:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        listed = client.get(reverse(f"{name}_changelist"))
        assert listed.status_code == 200
        found = listed.context["cl"].queryset
        assert row not in found and found.exists(), name
        assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 302, name


def test_what_belongs_to_no_team_is_for_superusers(client: Any, superuser: Any) -> None:
    budget = Budget.objects.create(team=None, period="day", limit_usd=5)
    assert client.get(reverse("admin:runs_modelprice_changelist")).status_code == 403
    assert client.get(reverse("admin:runs_budget_change", args=[budget.pk])).status_code == 302
    assert superuser.get(reverse("admin:runs_budget_change", args=[budget.pk])).status_code == 200


def test_a_teams_admin_sets_no_budget_for_everything(client: Any, team: Any) -> None:
    form = {"period": "day", "limit_usd": "9", "warn_percent": "90"}
    assert client.post(reverse("admin:runs_budget_add"), form).status_code == 200
    assert client.post(reverse("admin:runs_budget_add"), form | {"team": factories.team().pk}).status_code == 200
    assert not Budget.objects.exists()
    assert client.post(reverse("admin:runs_budget_add"), form | {"team": team.pk}).status_code == 302
    assert Budget.objects.get().team == team


def agent_form(agent: Agent, **changes: Any) -> dict[str, Any]:
    version = agent.live
    limits = ["max_output_tokens", "max_steps", "max_tool_calls", "max_parallel_calls", "max_tokens"]
    form = {name: getattr(version, name) for name in [*limits, "max_cost_usd", "max_seconds", "system_prompt", "tools"]}
    form |= {"team": agent.team_id, "name": agent.name, "title": agent.title, "active": "on"}
    form |= {"model_chain": "\n".join(version.model_chain)}
    form |= {"versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0}
    return form | changes


def test_saving_an_agent_publishes_a_version(client: Any, team: Any) -> None:
    agent = factories.agent(team)
    page = reverse("admin:runs_agent_change", args=[agent.pk])
    changed = agent_form(agent, system_prompt="Help well.", tools=["read_file"], model_chain="one\ntwo\n")
    assert client.post(page, changed).status_code == 302
    agent.refresh_from_db()
    assert (agent.live.number, agent.live.system_prompt) == (2, "Help well.")
    assert (agent.live.tools, agent.live.model_chain) == (["read_file"], ["one", "two"])
    assert agent.versions.count() == 2


def test_saving_only_the_title_publishes_nothing(client: Any, team: Any) -> None:
    agent = factories.agent(team)
    page = reverse("admin:runs_agent_change", args=[agent.pk])
    assert client.post(page, agent_form(agent, title="Better")).status_code == 302
    agent.refresh_from_db()
    assert (agent.title, agent.versions.count()) == ("Better", 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("system_prompt", "  "), ("model_chain", ""), ("tools", ["no_such"]), ("max_steps", "0")],
)
def test_an_agent_that_cannot_work_is_not_saved(client: Any, team: Any, field: str, value: Any) -> None:
    agent = factories.agent(team)
    page = reverse("admin:runs_agent_change", args=[agent.pk])
    answer = client.post(page, agent_form(agent, title="Better", **{field: value}))
    assert answer.status_code == 200 and field in answer.context["adminform"].form.errors
    agent.refresh_from_db()
    assert (agent.title, agent.versions.count()) == ("Helper", 1)


def test_a_new_agent_is_live_at_once(client: Any, team: Any) -> None:
    like = factories.agent(team)
    assert client.post(reverse("admin:runs_agent_add"), agent_form(like, name="second")).status_code == 302
    assert Agent.objects.get(name="second").live.number == 1


def test_what_ran_cannot_be_changed(superuser: Any, team: Any) -> None:
    run = populate(team)
    for row in [run, run.step_set.get(), run.call_set.get(), run.version]:
        page = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        assert superuser.post(reverse(f"{page}_change", args=[row.pk]), {}).status_code == 403
        assert superuser.post(reverse(f"{page}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        assert superuser.get(reverse(f"{page}_add")).status_code == 403


def test_a_new_token_shows_its_secret_once(client: Any) -> None:
    form = {"name": "ci", "scopes": ["runs:read"], "days": 5}
    page = client.post(reverse("admin:accounts_apitoken_add"), form, follow=True).content.decode()
    secret = page.partition("<code>")[2].partition("</code>")[0]
    assert tokens.verify(secret).name == "ci"
    assert secret not in client.get(reverse("admin:accounts_apitoken_changelist")).content.decode()


def test_tokens_are_seen_and_revoked_by_their_owner_and_superusers(client: Any, superuser: Any, team: Any) -> None:
    token, _ = tokens.create_token(factories.person(team), "other's", ["admin"])
    page = reverse("admin:accounts_apitoken_changelist")
    revoke = {"action": "revoke", "_selected_action": [token.pk]}
    client.post(page, revoke)
    assert ApiToken.objects.filter(revoked_at=None).exists()
    assert client.get(reverse("admin:accounts_apitoken_change", args=[token.pk])).status_code == 302
    superuser.post(page, revoke)
    assert not ApiToken.objects.filter(revoked_at=None).exists()


def person_form(user: User, team: Any, **changes: Any) -> dict[str, Any]:
    one = user.memberships.get()  # type: ignore[attr-defined]
    form = {
        "username": user.username,
        "is_active": "on",
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 1,
    }
    form |= {"memberships-0-id": one.pk, "memberships-0-user": user.pk, "memberships-0-team": one.team_id}
    return form | {"memberships-0-role": one.role} | changes


def test_a_teams_admin_gives_roles_in_the_team_alone(client: Any, team: Any) -> None:
    member = factories.person(team, Role.VIEWER)
    page = reverse("admin:auth_user_change", args=[member.pk])
    assert client.post(page, person_form(member, team, **{"memberships-0-role": "approver"})).status_code == 302
    assert Membership.objects.get(user=member).role == Role.APPROVER
    elsewhere = person_form(member, team, **{"memberships-0-team": factories.team().pk})
    assert client.post(page, elsewhere).status_code == 200
    assert Membership.objects.get(user=member).team == team


def test_what_the_admin_changes_of_access_is_on_record(client: Any, team: Any) -> None:
    member = factories.person(team, Role.VIEWER)
    page = reverse("admin:auth_user_change", args=[member.pk])
    form = person_form(member, team, **{"memberships-0-role": "approver"})
    del form["is_active"]
    client.post(page, form)
    changes = AccessChange.objects.filter(person=member).order_by("id")
    kinds = [(change.kind, change.before, change.after) for change in changes]
    assert kinds == [("deactivated", [], []), ("roles", ["viewer"], ["approver"])]
    client.post(page, form)
    assert changes.count() == 2


def test_a_teams_admin_makes_nobody_a_superuser(client: Any, team: Any) -> None:
    member = factories.person(team, Role.VIEWER)
    page = reverse("admin:auth_user_change", args=[member.pk])
    client.post(page, person_form(member, team, is_superuser="on", is_staff="on"))
    member.refresh_from_db()
    assert not member.is_superuser and not member.is_staff


def test_a_teams_admin_cannot_take_over_who_has_more_rights(client: Any, team: Any) -> None:
    mighty = factories.person(team, Role.VIEWER, is_superuser=True)
    wide = factories.person(team, Role.VIEWER)
    Membership.objects.create(user=wide, team=factories.team(), role=Role.ADMIN)
    for user in (mighty, wide):
        before = User.objects.get(pk=user.pk).password
        page = reverse("admin:auth_user_password_change", args=[user.pk])
        password = {"password1": "brand new password", "password2": "brand new password"}
        assert client.post(page, password).status_code == 403
        assert client.post(reverse("admin:auth_user_change", args=[user.pk]), person_form_any(user)).status_code == 403
        assert User.objects.get(pk=user.pk).password == before


def person_form_any(user: User) -> dict[str, Any]:
    return {"username": user.username, "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}


def test_a_person_made_by_a_teams_admin_is_in_the_team(client: Any, team: Any) -> None:
    form = {"username": "new", "password1": "brand new password", "password2": "brand new password"}
    form |= {"usable_password": "true", "memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 0}
    assert client.post(reverse("admin:auth_user_add"), form).status_code == 200
    assert not User.objects.filter(username="new").exists()
    form |= {"memberships-0-team": team.pk, "memberships-0-role": "viewer"}
    assert client.post(reverse("admin:auth_user_add"), form).status_code == 302
    assert Membership.objects.get(user__username="new").team == team


def test_what_the_action_refuses_is_said_and_nothing_is_saved(client: Any, team: Any) -> None:
    agent = factories.agent(team)
    page = reverse("admin:runs_agent_change", args=[agent.pk])
    answer = client.post(page, agent_form(agent, title="Better", model_chain="m" * 121), follow=True)
    assert "at most 120 are allowed" in answer.content.decode()
    agent.refresh_from_db()
    assert (agent.title, agent.versions.count()) == ("Helper", 1)
