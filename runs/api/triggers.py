"""REST of triggers: schedules and webhooks that start runs, what each firing came to, and trying one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from ninja.responses import Status
from pydantic import Field, StrictBool

from agentops.core.errors import AgentOpsError
from agentops.rest import Body, Cursor, IdempotencyKey, Limit, Page, Request, access, listed, once, page

from .. import actions, hooks, schedules
from ..models import Firing, Trigger
from .run_schemas import MAX_GOAL, Limits

router = Router(tags=["Triggers"], auth=access("runs:read"))
WRITE = access("runs:write")

Kind = Annotated[Trigger.Kind, listed(Trigger.Kind)]
Missed = Annotated[Trigger.Missed, listed(Trigger.Missed)]
Priority = Annotated[int, Field(ge=-1, le=1, strict=True)]
Result = Annotated[Firing.Result, listed(Firing.Result)]

PRIORITY = "-1 low, 0 normal, 1 high, within the team."
OVERLAP = "Start a run while the last one has not ended. Left out: yes for a webhook, no for a schedule."
MISSED = "What to do about times at which nothing was running; all (up to 24) needs `overlap`."
MAPPING = "Of a webhook: input name to a JSON pointer (RFC 6901) into the body."
CRON = "Of a schedule: minute, hour, day of month, month, day of week."
MAPPED = {"order_id": "/order/id"}


class TriggerOut(Schema):
    id: UUID
    kind: Kind = Field(examples=["schedule"])
    name: str = Field(examples=["Morning mail"])
    team: str = Field(description="The team's slug.", examples=["shop"])
    agent: str = Field(examples=["support-desk"])
    goal: str = Field(examples=["Answer the mail that came in since yesterday."])
    inputs: dict[str, Any] = Field(examples=[{}])
    limits: dict[str, Any] = Field(examples=[{"max_cost_usd": "0.50"}])
    priority: int = Field(description=PRIORITY, examples=[0])
    active: bool
    overlap: bool
    owner: str = Field(description="In whose name its runs start.", examples=["ada"])
    cron: str = Field(description=CRON + " Empty for a webhook.", examples=["0 9 * * 1-5"])
    timezone: str = Field(examples=["Europe/Berlin"])
    missed: Missed = Field(examples=["once"])
    next_at: datetime | None = Field(description="When it is due next; null: a webhook, or switched off.")
    coming: list[datetime] = Field(description="The next five times.")
    mapping: dict[str, str] = Field(description=MAPPING, examples=[{}])
    address: str | None = Field(description="Where a webhook is sent to; null for a schedule.", examples=[None])
    created_at: datetime

    @staticmethod
    def resolve_team(trigger: Trigger) -> str:
        return trigger.team.slug

    @staticmethod
    def resolve_agent(trigger: Trigger) -> str:
        return trigger.agent.name

    @staticmethod
    def resolve_owner(trigger: Trigger) -> str:
        return trigger.owner_name

    @staticmethod
    def resolve_coming(trigger: Trigger) -> list[datetime]:
        return schedules.coming_of(trigger)

    @staticmethod
    def resolve_address(trigger: Trigger, context: dict[str, Any]) -> str | None:
        return address_of(trigger, context["request"])


class TriggerWithSecret(TriggerOut):
    secret: str | None = Field(
        description="Of a webhook, shown this once; null for a schedule, and when a repeat asks again.",
        examples=[None],
    )

    @staticmethod
    def resolve_secret(trigger: Trigger) -> str | None:
        return getattr(trigger, "secret", None)


class NewTrigger(Body):
    kind: Kind = Field(examples=["schedule"])
    name: str = Field(min_length=1, max_length=120, examples=["Morning mail"])
    agent: str = Field(max_length=80, description="Name of an agent that you may start.", examples=["support-desk"])
    team: str = Field("", max_length=80, description="The team's slug; needed only when two teams have such an agent.")
    goal: str = Field(min_length=1, max_length=MAX_GOAL, examples=["Answer the mail that came in since yesterday."])
    inputs: dict[str, Any] = Field({}, description="The same each time; a webhook's body goes before them.")
    limits: Limits = Field(default_factory=Limits, examples=[{"max_cost_usd": "0.50"}])
    priority: Priority = Field(0, description=PRIORITY)
    active: StrictBool = True
    overlap: StrictBool | None = Field(None, description=OVERLAP, examples=[None])
    cron: str = Field("", max_length=500, description=CRON, examples=["0 9 * * 1-5"])
    timezone: str = Field("", max_length=64, examples=["Europe/Berlin"])
    missed: Missed = Field(Trigger.Missed.ONCE, description=MISSED)
    mapping: dict[str, str] = Field({}, description=MAPPING, examples=[{}])

    def given(self) -> dict[str, Any]:
        fields = self.model_dump(exclude={"limits"}, exclude_none=True)
        return fields | {"limits": self.limits.given()}


class TriggerChanges(Body):
    """What is left out stays. Who changes it gives it their name: its runs start in it from then on."""

    name: str | None = Field(None, min_length=1, max_length=120, examples=["Morning mail"])
    agent: str | None = Field(None, max_length=80, examples=["support-desk"])
    goal: str | None = Field(None, min_length=1, max_length=MAX_GOAL, examples=["Answer today's mail."])
    inputs: dict[str, Any] | None = Field(None, examples=[{}])
    limits: Limits | None = Field(None, description="In place of all limits before.", examples=[{"max_steps": 20}])
    priority: Priority | None = Field(None, description=PRIORITY, examples=[1])
    active: StrictBool | None = Field(None, description="Alone, it changes no name.", examples=[True])
    overlap: StrictBool | None = Field(None, examples=[False])
    cron: str | None = Field(None, max_length=500, description=CRON, examples=["30 8 * * 1-5"])
    timezone: str | None = Field(None, max_length=64, examples=["Europe/Berlin"])
    missed: Missed | None = Field(None, description=MISSED, examples=["once"])
    mapping: dict[str, str] | None = Field(None, description=MAPPING, examples=[None])

    def given(self) -> dict[str, Any]:
        fields = self.model_dump(exclude={"active", "limits"}, exclude_none=True)
        return fields if self.limits is None else fields | {"limits": self.limits.given()}


class FiringOut(Schema):
    id: int
    result: Result = Field(examples=["started"])
    reason: str = Field(description="Why it started no run, or what else is to be said.", examples=[""])
    run: UUID | None = Field(description="The run that it started.")
    test: bool = Field(examples=[False])
    by: str = Field(description="Who tried it; empty when it fired by itself.", examples=[""])
    due_at: datetime | None = Field(description="Of a schedule: the time that it fired for.")
    at: datetime

    @staticmethod
    def resolve_run(firing: Firing) -> UUID | None:
        return firing.run_id

    @staticmethod
    def resolve_by(firing: Firing) -> str:
        return firing.by_name


class TriggerTest(Body):
    body: dict[str, Any] | None = Field(
        None, description="Of a webhook: what would be sent. Left out for a schedule.", examples=[None]
    )


@router.get("", response=Page[TriggerOut], summary="List triggers")
def list_triggers(
    request: Request,
    cursor: Cursor = "",
    limit: Limit = 50,
    kind: Annotated[Kind | None, Query()] = None,
    agent: Annotated[str, Query(max_length=80)] = "",
) -> dict[str, Any]:
    wanted = {name: value for name, value in (("kind", kind), ("agent__name", agent)) if value}
    return page(_visible(request).filter(**wanted), cursor, limit, order=("name", "id"))


@router.post("", response={201: TriggerWithSecret, 200: TriggerWithSecret}, auth=WRITE, summary="Make a trigger")
def create_trigger(request: Request, body: NewTrigger, idempotency_key: IdempotencyKey = "") -> Status[Trigger]:
    """A schedule, or a webhook with its secret. Its runs start in your name, with the rights that you have then."""
    trigger, new = once(
        request,
        idempotency_key,
        body,
        lambda: actions.create_trigger(request.actor, **body.given()),
        _visible(request),
    )
    return Status(201 if new else 200, _told(trigger, secret=new))


@router.get("/{uuid:trigger_id}", response=TriggerOut, summary="Read a trigger")
def get_trigger(request: Request, trigger_id: UUID) -> Trigger:
    return get_object_or_404(_visible(request), pk=trigger_id)


@router.patch("/{uuid:trigger_id}", response=TriggerOut, auth=WRITE, summary="Change a trigger, switch it on or off")
def change_trigger(request: Request, trigger_id: UUID, body: TriggerChanges) -> Trigger:
    trigger = get_trigger(request, trigger_id)
    if changes := body.given():
        actions.change_trigger(request.actor, trigger, **changes)
    if body.active is not None:
        actions.switch_trigger(request.actor, trigger, active=body.active)
    return get_trigger(request, trigger_id)


@router.delete("/{uuid:trigger_id}", response={204: None}, auth=WRITE, summary="Delete a trigger")
def delete_trigger(request: Request, trigger_id: UUID) -> None:
    """With its history; the runs that it started stay."""
    actions.delete_trigger(request.actor, get_trigger(request, trigger_id))


@router.post("/{uuid:trigger_id}/secret", response=TriggerWithSecret, auth=WRITE, summary="Replace a webhook's secret")
def replace_trigger_secret(request: Request, trigger_id: UUID) -> Trigger:
    """The old one signs nothing from now on. The new one is in this answer only."""
    return _told(actions.replace_secret(request.actor, get_trigger(request, trigger_id)), secret=True)


@router.get("/{uuid:trigger_id}/firings", response=Page[FiringOut], summary="List a trigger's firings, newest first")
def list_firings(request: Request, trigger_id: UUID, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Kept for 90 days."""
    return page(get_trigger(request, trigger_id).firings.all(), cursor, limit, order=("-at", "-id"))


@router.post(
    "/{uuid:trigger_id}/test", response={201: FiringOut, 200: FiringOut}, auth=WRITE, summary="Try a trigger once"
)
def test_trigger(
    request: Request, trigger_id: UUID, body: TriggerTest, idempotency_key: IdempotencyKey = ""
) -> Status[Firing]:
    """Starts a run now, in your name, marked as a test in the history."""
    trigger = get_trigger(request, trigger_id)

    def act() -> Firing:
        sent = body.body if body.body is not None or trigger.kind == Trigger.Kind.SCHEDULE else {}
        fired = actions.try_trigger(request.actor, trigger, key=uuid4().hex, body=sent)
        return _or_refuse(fired.firing, fired.refusal)

    firing, new = once(request, idempotency_key, body, act, trigger.firings.all())
    return Status(201 if new else 200, firing)


def address_of(trigger: Trigger, request: HttpRequest) -> str | None:
    return request.build_absolute_uri(hooks.path_of(trigger)) if trigger.kind == Trigger.Kind.WEBHOOK else None


def _or_refuse(firing: Firing, refusal: AgentOpsError | None) -> Firing:
    if refusal is not None:
        raise refusal
    return firing


def _visible(request: Request) -> QuerySet[Trigger]:
    return Trigger.objects.visible_to(request.actor).select_related("team", "agent")


def _told(trigger: Trigger, *, secret: bool) -> Trigger:
    found = Trigger.objects.select_related("team", "agent").get(pk=trigger.pk)
    if secret and found.kind == Trigger.Kind.WEBHOOK:
        found.secret = hooks.secret_of(found)  # type: ignore[attr-defined]
    return found
