"""REST of teams and of who is what in them."""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.auth.models import User
from django.db.models import Prefetch, QuerySet
from ninja import Router, Schema
from ninja.responses import Status
from pydantic import Field

from agentops.accounts import actions
from agentops.accounts.access import Right
from agentops.accounts.actions.sight import people_seen
from agentops.accounts.models import Membership, Role, Team
from agentops.rest import Body, Cursor, IdempotencyKey, Limit, Page, Request, access, listed, once, page

router = Router(tags=["Teams"], auth=access("runs:read"))
ADMIN = access("admin")
Roles = Annotated[list[Annotated[Role, listed(Role)]], Field(max_length=len(Role))]


class TeamOut(Schema):
    slug: str = Field(description="Its short name in addresses; it stays.", examples=["shop"])
    name: str = Field(examples=["Shop"])


class TeamIn(Body):
    name: str = Field(min_length=1, max_length=80, examples=["Shop"])


class MemberOut(Schema):
    username: str = Field(examples=["ada"])
    name: str = Field(examples=["Ada"])
    email: str = Field(examples=["ada@example.com"])
    active: bool
    roles: list[str] = Field(examples=[["approver"]])

    @staticmethod
    def resolve_name(person: User) -> str:
        return person.get_full_name()

    @staticmethod
    def resolve_active(person: User) -> bool:
        return person.is_active

    @staticmethod
    def resolve_roles(person: User) -> list[str]:
        return sorted(membership.role for membership in person.of_team)  # type: ignore[attr-defined]


class NewMemberOut(MemberOut):
    password_link: str | None = Field(
        description="Path at which they set their password; null when a repeat asks again.", examples=["/welcome/…"]
    )

    @staticmethod
    def resolve_password_link(person: User) -> str | None:
        return getattr(person, "password_link", None)


class NewMember(Body):
    username: str = Field(min_length=1, max_length=150, examples=["grace"])
    name: str = Field("", max_length=150, examples=["Grace"])
    email: str = Field("", max_length=254, examples=["grace@example.com"])
    roles: Roles = Field(min_length=1, examples=[["operator"]])


class RolesIn(Body):
    roles: Roles = Field(description="All that they are to have.", examples=[["operator", "approver"]])
    was: Roles | None = Field(None, description="What you saw; 409 when it is something else by now.", examples=[None])


@router.get("", response=Page[TeamOut], summary="List teams")
def list_teams(request: Request, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    return page(_visible(request), cursor, limit, order=("name", "id"))


@router.post("", response={201: TeamOut, 200: TeamOut}, auth=ADMIN, summary="Make a team")
def create_team(request: Request, body: TeamIn, idempotency_key: IdempotencyKey = "") -> Status[Team]:
    """A superuser's to do."""
    team, new = once(
        request, idempotency_key, body, lambda: actions.create_team(request.actor, body.name), _visible(request)
    )
    return Status(201 if new else 200, team)


@router.get("/{slug:team}", response=TeamOut, summary="Read a team")
def get_team(request: Request, team: str) -> Team:
    return _visible(request).get(slug=team)


@router.patch("/{slug:team}", response=TeamOut, auth=ADMIN, summary="Rename a team")
def rename_team(request: Request, team: str, body: TeamIn) -> Team:
    return actions.rename_team(request.actor, get_team(request, team).pk, body.name)


@router.get("/{slug:team}/members", response=Page[MemberOut], auth=ADMIN, summary="List a team's members")
def list_members(request: Request, team: str, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    found = get_team(request, team)
    request.actor.require(Right.ADMINISTER, found.pk)
    return page(_members(found), cursor, limit, order=("username", "id"))


@router.post(
    "/{slug:team}/members",
    response={201: NewMemberOut, 200: NewMemberOut},
    auth=ADMIN,
    summary="Add a new person to a team",
)
def add_member(request: Request, team: str, body: NewMember, idempotency_key: IdempotencyKey = "") -> Status[User]:
    """With a link at which they set their password. Somebody who is here already gets roles with PUT."""
    found = get_team(request, team)
    links: list[str] = []

    def make() -> User:
        person, link = actions.add_person(request.actor, team_id=found.pk, **body.model_dump())
        links.append(link)
        return person

    person, new = once(request, idempotency_key, body, make, User.objects.filter(memberships__team=found).distinct())
    shown = _members(found).get(pk=person.pk)
    shown.password_link = links[0] if links else None  # type: ignore[attr-defined]
    return Status(201 if new else 200, shown)


@router.put("/{slug:team}/members/{username}", response=MemberOut, auth=ADMIN, summary="Set a person's roles")
def set_roles(request: Request, team: str, username: str, body: RolesIn) -> User:
    """Of somebody whom you administer in some team. No role takes them out of this one."""
    found = get_team(request, team)
    person = _person(request, found, username)
    actions.set_roles(request.actor, person.pk, found.pk, body.roles, body.was)
    return User.objects.prefetch_related(_of(found)).get(pk=person.pk)


@router.delete(
    "/{slug:team}/members/{username}", response={204: None}, auth=ADMIN, summary="Take a person out of a team"
)
def remove_member(request: Request, team: str, username: str) -> None:
    found = get_team(request, team)
    actions.set_roles(request.actor, _person(request, found, username).pk, found.pk, [])


def _visible(request: Request) -> QuerySet[Team]:
    teams = request.actor.teams_with(Right.VIEW)
    return Team.objects.all() if teams is None else Team.objects.filter(pk__in=teams)


def _person(request: Request, team: Team, username: str) -> User:
    request.actor.require(Right.ADMINISTER, team.pk)
    if "\0" in username:
        raise User.DoesNotExist
    return people_seen(request.actor).get(username=username)


def _of(team: Team) -> Prefetch[Any, Any, Any]:
    return Prefetch("memberships", Membership.objects.filter(team=team), to_attr="of_team")


def _members(team: Team) -> QuerySet[User]:
    return User.objects.filter(memberships__team=team).distinct().prefetch_related(_of(team))
