"""REST of risk policies: the draft that is edited, and the immutable versions that decide."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from ninja import Router, Schema
from ninja.responses import Status
from pydantic import Field, StrictInt

from agentops.accounts.access import Right
from agentops.accounts.models import Team
from agentops.rest import Body, Cursor, IdempotencyKey, Limit, Page, Request, access, listed, once, page

from .. import actions, rules
from ..models import Policy, PolicyVersion, Rule, Tier

router = Router(tags=["Policies"], auth=access("runs:read"))
WRITE = access("admin")
Number = Annotated[int, Field(gt=0, le=2**31 - 1, strict=True)]


class RuleIn(Body):
    """One line of a policy. Tried in order; the first that matches gives the call its tier."""

    name: str = Field(max_length=120, examples=["Large refunds"])
    tool: str = Field("*", max_length=128, description="A name, or a pattern: mail_*", examples=["refund_*"])
    agent: str = Field("*", max_length=80, description="A name, or a pattern.")
    taint: Annotated[Rule.Taint, listed(Rule.Taint)] = Rule.Taint.ANY
    condition: str = Field(
        "", max_length=2000, description="CEL; empty: always.", examples=["double(args.amount) > 100.0"]
    )
    tier: Tier = Field(examples=["high"])
    timer_seconds: Annotated[int, Field(gt=0, le=2**31 - 1, strict=True)] | None = Field(None, examples=[None])
    on_deadline: Literal["", "expire"] = ""


class RuleOut(Schema):
    name: str = Field(examples=["Large refunds"])
    tool: str = Field(examples=["refund_*"])
    agent: str = Field(examples=["*"])
    taint: str = Field(examples=["any"])
    condition: str = Field(examples=["double(args.amount) > 100.0"])
    tier: str = Field(examples=["high"])
    timer_seconds: int | None
    on_deadline: str = Field(examples=[""])
    words: str = Field(examples=["“Large refunds”: refund_* by any agent, when double(args.amount) > 100.0 → high"])


class PolicyVersionOut(Schema):
    number: int
    note: str = Field(examples=["After the audit."])
    rules: list[RuleOut]
    by: str = Field(examples=["ada"])
    created_at: datetime

    @staticmethod
    def resolve_rules(version: PolicyVersion) -> list[dict[str, Any]]:
        return [_told(rule) for rule in version.rules]

    @staticmethod
    def resolve_by(version: PolicyVersion) -> str:
        return version.created_by_name


class DraftOut(Schema):
    revision: int = Field(description="Counts changes: send it back with yours.", examples=[3])
    changed_by: str = Field(examples=["ada"])
    changed_at: datetime | None
    rules: list[RuleOut]


class PolicyOut(Schema):
    team: str = Field(description="The team's slug.", examples=["shop"])
    live: PolicyVersionOut | None = Field(description="What decides; null: each tool's own tier does.")
    draft: DraftOut

    @staticmethod
    def resolve_team(policy: Policy) -> str:
        return policy.team.slug

    @staticmethod
    def resolve_draft(policy: Policy) -> dict[str, Any]:
        return {
            "revision": policy.revision,
            "changed_by": policy.changed_by_name,
            "changed_at": policy.changed_at,
            "rules": [_told(rules.as_json(rule)) for rule in policy.rules.all()],
        }


class DraftIn(Body):
    revision: StrictInt = Field(
        description="The draft's when you read it; 409 when it is another by now.", examples=[3]
    )
    rules: list[RuleIn] = Field(max_length=100)


class Publication(Body):
    revision: StrictInt = Field(description="The draft's that is to be published.", examples=[4])
    note: str = Field("", max_length=200, examples=["After the audit."])


class LiveIn(Body):
    version: Number = Field(description="Whose rules are to count again, as a new version.", examples=[1])


@router.get("", response=Page[PolicyOut], summary="List policies")
def list_policies(request: Request, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    return page(_visible(request), cursor, limit, order=("team_id", "id"))


@router.get("/{slug:team}", response=PolicyOut, summary="Read a team's policy")
def get_policy(request: Request, team: str) -> Policy:
    return _visible(request).get(team__slug=team)


@router.get("/{slug:team}/versions", response=Page[PolicyVersionOut], summary="List a policy's versions, newest first")
def list_policy_versions(request: Request, team: str, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    return page(get_policy(request, team).versions.all(), cursor, limit, order=("-number", "-id"))


@router.get("/{slug:team}/versions/{int:number}", response=PolicyVersionOut, summary="Read a version of a policy")
def get_policy_version(request: Request, team: str, number: int) -> PolicyVersion:
    return get_policy(request, team).versions.get(number=number)


@router.put("/{slug:team}/draft", response=PolicyOut, auth=WRITE, summary="Write a policy's draft")
def save_policy_draft(request: Request, team: str, body: DraftIn) -> Policy:
    """All of its rules, in order. Nothing is decided by them before they are published."""
    policy = _to_change(request, team)
    content = [rule.model_dump(mode="json") for rule in body.rules]
    actions.save_draft(request.actor, policy, content, body.revision)
    return get_policy(request, team)


@router.post(
    "/{slug:team}/publication",
    response={201: PolicyVersionOut, 200: PolicyVersionOut},
    auth=WRITE,
    summary="Publish a policy's draft",
)
def publish_policy(
    request: Request, team: str, body: Publication, idempotency_key: IdempotencyKey = ""
) -> Status[PolicyVersion]:
    """It decides at once. 200 with the live version when nothing changed."""
    policy = _to_change(request, team)
    before = policy.live_id
    version, new = once(
        request,
        idempotency_key,
        body,
        lambda: actions.publish_policy(request.actor, policy, body.revision, note=body.note),
        policy.versions.all(),
    )
    return Status(201 if new and version.pk != before else 200, version)


@router.put("/{slug:team}/live", response=PolicyVersionOut, auth=WRITE, summary="Roll a policy back")
def roll_back_policy(request: Request, team: str, body: LiveIn) -> PolicyVersion:
    """A new version with the rules of an earlier one, live at once. A draft with changes stays as it is."""
    return actions.roll_back_policy(request.actor, _to_change(request, team), body.version)


def _visible(request: Request) -> QuerySet[Policy]:
    teams = request.actor.teams_with(Right.VIEW)
    rows = Policy.objects.select_related("team", "live").prefetch_related("rules")
    return rows if teams is None else rows.filter(team_id__in=teams)


def _to_change(request: Request, slug: str) -> Policy:
    """A team that has no policy yet gets an empty one, when its admin asks."""
    teams = request.actor.teams_with(Right.VIEW)
    seen = Team.objects.all() if teams is None else Team.objects.filter(pk__in=teams)
    return actions.open_policy(request.actor, seen.get(slug=slug))


def _told(rule: dict[str, Any]) -> dict[str, Any]:
    return {**rule, "words": rules.in_words(rule)}
