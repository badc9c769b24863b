"""A team's admin adds people, gives and takes roles; what is dangerous is refused, recorded or undone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from agentops.accounts import actions, sessions
from agentops.accounts.access import Actor
from agentops.accounts.models import AccessChange, Membership, Role, Team
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from tests.api import factories

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def team() -> Team:
    return factories.team()


@pytest.fixture
def admin(team: Team) -> User:
    return factories.person(team)


@pytest.fixture
def client(admin: User) -> Client:
    return factories.signed_in(admin)


def added(client: Client, team: Team, **changes: Any) -> Any:
    form = {"username": "ada", "name": "Ada Moreno", "email": "ada@example.com", "team": team.pk, "roles": ["operator"]}
    return client.post(reverse("person-new"), form | changes)


def link_in(answer: Any) -> str:
    found = re.search(r"http://testserver(/password/[^<]+)<", answer.content.decode())
    assert found
    return found[1]


def roles_of(person: User, team: Team) -> list[str]:
    return sorted(Membership.objects.filter(user=person, team=team).values_list("role", flat=True))


def test_a_new_person_sets_a_password_at_the_link_and_signs_in(client: Client, team: Team) -> None:
    answer = added(client, team)
    assert answer.status_code == 201 and "no-store" in answer["Cache-Control"]
    ada = User.objects.get(username="ada")
    assert ada.get_full_name() == "Ada Moreno" and roles_of(ada, team) == ["operator"]
    guest = Client()
    form = guest.get(link_in(answer), follow=True)
    assert link_in(answer) not in form.redirect_chain[-1][0]
    passwords = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert guest.post(form.redirect_chain[-1][0], passwords).url == reverse("login")
    assert guest.login(username="ada", password=PASSWORD)
    assert guest.get(reverse("people")).status_code == 403


def test_a_link_works_once_and_a_newer_one_ends_it(client: Client, team: Team) -> None:
    first = link_in(added(client, team))
    ada = User.objects.get(username="ada")
    second = link_in(client.post(reverse("person-link", args=[ada.pk])))
    assert b"opens nothing" in Client().get(first, follow=True).content
    guest = Client()
    form = guest.get(second, follow=True).redirect_chain[-1][0]
    assert guest.post(form, {"new_password1": PASSWORD, "new_password2": PASSWORD}).status_code == 302
    assert b"opens nothing" in Client().get(second, follow=True).content


def test_a_link_ends_after_three_days_and_with_deactivation(client: Client, team: Team, settings: Any) -> None:
    link = link_in(added(client, team))
    client.post(reverse("person-deactivate", args=[User.objects.get(username="ada").pk]))
    assert b"opens nothing" in Client().get(link, follow=True).content
    client.post(reverse("person-reactivate", args=[User.objects.get(username="ada").pk]))
    assert settings.PASSWORD_RESET_TIMEOUT == 3 * 24 * 3600
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert b"opens nothing" in Client().get(link, follow=True).content


@pytest.mark.parametrize("link", ["/password/MQ/x-y/", "/password/%00/set-password/", "/password/999999/a-b/"])
def test_a_made_up_link_is_answered_like_a_used_one(link: str) -> None:
    assert b"opens nothing" in Client().get(link).content


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"username": "a b"}, "no spaces"),
        ({"username": ""}, "letters"),
        ({"username": "x" * 151}, "150"),
        ({"email": "nowhere"}, "no e-mail"),
        ({"roles": []}, "at least one role"),
        ({"roles": ["owner"]}, "no role owner"),
        ({"name": "x" * 151}, "150"),
        ({"username": "a\0b"}, "letters"),
    ],
)
def test_what_a_new_person_cannot_be(client: Client, team: Team, changes: Any, said: str) -> None:
    answer = added(client, team, **changes)
    assert answer.status_code == 422 and said in answer.content.decode()
    assert not User.objects.filter(email="ada@example.com").exists()


def test_a_taken_name_is_refused_whoever_has_it_and_however_it_is_spelt(client: Client, team: Team) -> None:
    User.objects.create(username="Ada")
    assert "is taken" in added(client, team).content.decode()


def test_nobody_is_added_to_a_team_of_others(client: Client) -> None:
    elsewhere = factories.team()
    added(client, elsewhere)
    assert not Membership.objects.filter(team=elsewhere).exists()


def test_roles_change_are_recorded_and_undone(client: Client, admin: User, team: Team) -> None:
    ada = factories.person(team, Role.VIEWER)
    form = {"team": team.pk, "shown": 1, "was": ["viewer"], "remove": 1}
    answer = client.post(reverse("person-roles", args=[ada.pk]), form)
    change = AccessChange.objects.get()
    assert answer.url == f"/people/?undo={change.pk}" and roles_of(ada, team) == []
    assert (change.by_name, change.before, change.after) == (admin.username, ["viewer"], [])
    assert "Undo" in client.get(answer.url).content.decode()
    client.post(reverse("access-undo", args=[change.pk]))
    assert roles_of(ada, team) == ["viewer"]
    page = client.get(reverse("person", args=[ada.pk])).content.decode()
    assert page.count("changed roles") == 2


def test_who_edits_an_older_state_is_told(client: Client, team: Team) -> None:
    ada = factories.person(team, Role.VIEWER)
    form = {"team": team.pk, "shown": 1, "was": ["operator"], "roles": ["admin"]}
    answer = client.post(reverse("person-roles", args=[ada.pk]), form, follow=True)
    assert "changed these roles meanwhile" in answer.content.decode() and roles_of(ada, team) == ["viewer"]


def test_unticking_everything_removes_nobody_by_accident(client: Client, team: Team) -> None:
    ada = factories.person(team, Role.VIEWER)
    client.post(reverse("person-roles", args=[ada.pk]), {"team": team.pk})
    assert roles_of(ada, team) == ["viewer"]


def test_the_last_admin_stays(admin: User, team: Team) -> None:
    for roles in ([], ["viewer"]):
        with pytest.raises(Conflict, match="no admin left"):
            actions.set_roles(Actor(admin), admin.pk, team.pk, roles)
    second = factories.person(team)
    actions.set_roles(Actor(admin), admin.pk, team.pk, ["viewer"])
    assert roles_of(admin, team) == ["viewer"] and roles_of(second, team) == ["admin"]


def test_an_inactive_admin_counts_for_nothing(admin: User, team: Team) -> None:
    factories.person(team, is_active=False)
    with pytest.raises(Conflict, match="no admin left"):
        actions.set_roles(Actor(admin), admin.pk, team.pk, [])


def test_superusers_are_edited_by_superusers_alone(admin: User, team: Team) -> None:
    root = factories.person(team, Role.VIEWER, is_superuser=True)
    for act in (actions.deactivate, actions.make_link, actions.end_sign_ins):
        with pytest.raises(NotAllowed, match="superuser"):
            act(Actor(admin), root.pk)
    with pytest.raises(NotAllowed, match="superuser"):
        actions.set_roles(Actor(admin), root.pk, team.pk, ["admin"])
    other = factories.person(is_superuser=True)
    assert actions.deactivate(Actor(other), root.pk).is_active is False


def test_somebody_of_two_teams_is_not_one_admins_alone(admin: User, team: Team) -> None:
    wide = factories.person(team, Role.VIEWER)
    Membership.objects.create(user=wide, team=factories.team(), role=Role.ADMIN)
    for act in (actions.deactivate, actions.make_link, actions.end_sign_ins):
        with pytest.raises(NotAllowed, match="do not administer"):
            act(Actor(admin), wide.pk)
    assert actions.set_roles(Actor(admin), wide.pk, team.pk, []) is not None


def test_nobody_deactivates_themselves(admin: User) -> None:
    with pytest.raises(NotAllowed, match="yourself"):
        actions.deactivate(Actor(admin), admin.pk)


def test_deactivation_ends_sign_ins_and_tokens(admin: User, team: Team) -> None:
    ada = factories.person(team, Role.VIEWER)
    browser, program = factories.signed_in(ada), factories.caller(ada)
    actions.deactivate(Actor(admin), ada.pk)
    assert browser.get("/").status_code == 302 and program.get("/api/runs").status_code == 401
    ada.refresh_from_db()
    assert sessions.alive(ada) == []
    actions.reactivate(Actor(admin), ada.pk)
    assert browser.get("/").status_code == 302 and program.get("/api/runs").status_code == 200


def test_a_team_is_made_by_a_superuser_and_named_by_its_admin(admin: User, team: Team) -> None:
    with pytest.raises(NotAllowed, match="superuser"):
        actions.create_team(Actor(admin), "Third")
    root = Actor(factories.person(is_superuser=True))
    slugs = [actions.create_team(root, name).slug for name in ("Night shift", "Night-Shift", "夜班")]
    assert slugs == ["night-shift", "night-shift-2", "team"]
    assert actions.rename_team(Actor(admin), team.pk, " Day   shift ").name == "Day shift"
    for name in ("", "x" * 81, "Night shift"):
        with pytest.raises(InvalidInput):
            actions.rename_team(Actor(admin), team.pk, name)


def test_the_list_costs_the_same_for_many_people(
    client: Client, team: Team, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        factories.person(team, Role.VIEWER)
    with django_assert_max_num_queries(12):
        assert client.get(reverse("people")).status_code == 200


def test_names_are_shown_safely(client: Client, team: Team) -> None:
    factories.person(team, Role.VIEWER, first_name="<b>\u202eevil")
    page = client.get(reverse("people")).content.decode()
    assert "<b>" not in page and "\u202e" not in page
