"""Fire triggers: by the clock, by a delivery, by hand to try one. Each due time and each delivery starts one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import IdempotencyKey
from agentops.core.errors import AgentOpsError, Conflict, InvalidInput, NotAllowed

from .. import hooks, schedules
from ..models import Firing, Trigger
from .starting import start_run

log = structlog.get_logger(__name__)

AT_ONCE = 200
"""Schedules that one sweep fires; the next goes on a second later."""


@dataclass(frozen=True, slots=True)
class Fired:
    firing: Firing
    new: bool
    """False when the same delivery came before."""
    refusal: AgentOpsError | None = None


def fire_due() -> int:
    """Fire every schedule whose time has come; says how many. Two sweeps at once share them."""
    tried: list[UUID] = []
    while len(tried) < AT_ONCE:
        claimed: Trigger | None = None
        try:
            with transaction.atomic():
                claimed = _claim(tried)
                if claimed is None:
                    break
                _fire(claimed)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            if claimed is None:
                raise
            log.exception("schedule_failed", trigger=str(claimed.pk))
            _pass_over(claimed)
        tried.append(claimed.pk)
    return len(tried)


def deliver(trigger_id: UUID, body: dict[str, Any], *, delivery: str, content: str) -> Fired:
    """Start a run from a webhook's delivery whose signature was checked.

    `delivery` is the sender's number of it, "" when there is none; `content` names body and signing time: neither is
    taken twice. One that was refused may come again. Raises Trigger.DoesNotExist, and InvalidInput for its number.
    """
    if len(delivery) > hooks.LONGEST_DELIVERY or not delivery.isprintable():
        raise InvalidInput(
            _("The number of a delivery has at most %(most)s printable characters.") % {"most": hooks.LONGEST_DELIVERY},
            hooks.DELIVERY_HEADERS[0],
        )
    key = f"id:{delivery}" if delivery else f"sha256:{content}"
    with transaction.atomic():
        trigger = _locked().get(pk=trigger_id, kind=Trigger.Kind.WEBHOOK)
        known = _known(trigger, key, content)
        if known and known.result != Firing.Result.REFUSED:
            return Fired(known, new=False)
        if not trigger.active:
            return Fired(known or Firing(trigger=trigger, key=key), False, _switched_off())
        firing = known or Firing(trigger=trigger, key=key)
        refusal = _start_from(firing, body, lambda: owner_of(trigger))
        IdempotencyKey.objects.get_or_create(
            principal=_principal(trigger), key=content, defaults={"request_hash": "", "made": str(firing.pk)}
        )
    return Fired(firing, True, refusal)


def try_trigger(actor: Actor, trigger: Trigger, *, key: str, body: dict[str, Any] | None = None) -> Fired:
    """Fire it once, now, in the name of who asks, marked as a test; a webhook takes `body` as what was sent."""
    actor.require(Right.OPERATE, trigger.team_id)
    if (body is not None) != (trigger.kind == Trigger.Kind.WEBHOOK):
        raise InvalidInput(_("A webhook is tried with a body, a schedule without one."), "body")
    with transaction.atomic():
        locked = _locked().filter(pk=trigger.pk).first()
        if locked is None:
            raise Conflict(_("Somebody has just deleted it."))
        key = f"test:{key}"[:200]
        if known := locked.firings.filter(key=key).first():
            return Fired(known, new=False)
        firing = Firing(trigger=locked, key=key, test=True, by_name=str(actor)[:150])
        refusal = _start_from(firing, body, lambda: actor) if body is not None else _start(firing, actor, locked.inputs)
    return Fired(firing, True, refusal)


def owner_of(trigger: Trigger) -> Actor:
    """In whose name it runs. Raises NotAllowed when that person may start no runs here at this moment."""
    owner = trigger.owner
    if not isinstance(owner, User):
        raise NotAllowed(
            _("%(name)s, in whose name it ran, is gone. Whoever may start its agent can save it in their own name.")
            % {"name": trigger.owner_name or _("The person")}
        )
    actor = Actor(owner)
    if not owner.is_active or not actor.can(Right.OPERATE, trigger.team_id):
        raise NotAllowed(
            _(
                "%(name)s, in whose name it runs, may start no runs in this team any more. Whoever may start its agent "
                "can save it in their own name."
            )
            % {"name": owner}
        )
    return actor


def _locked() -> Any:
    rows = Trigger.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("team", "agent__live", "owner")


def _claim(tried: list[UUID]) -> Trigger | None:
    rows = Trigger.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    ready = rows.filter(active=True, next_at__lte=Now()).exclude(pk__in=tried).annotate(now=Now())
    found: Trigger | None = ready.select_related("team", "agent__live", "owner").order_by("next_at").first()
    return found


def _fire(trigger: Trigger) -> None:
    """The runs, their firings and the next time: all or nothing."""
    todo = schedules.due(trigger.cron, trigger.timezone, trigger.next_at, trigger.now, trigger.missed)
    note = _left_out(trigger, todo) if todo.left_out else ""
    planned = [Firing(trigger=trigger, key=tick.isoformat(), due_at=tick) for tick in todo.fire]
    passed = Firing(trigger=trigger, key=f"missed:{todo.first.isoformat()}", due_at=todo.first)
    # A clock that was set back brings the same time again.
    done = set(
        trigger.firings.filter(key__in=[passed.key, *(each.key for each in planned)]).values_list("key", flat=True)
    )
    if note and trigger.missed != Trigger.Missed.ONCE and passed.key not in done:
        _keep(passed, Firing.Result.SKIPPED, note)
    for firing in planned:
        if firing.key not in done:
            firing.reason = note if trigger.missed == Trigger.Missed.ONCE else ""
            _start(firing, None, trigger.inputs)
    trigger.next_at = todo.next
    trigger.save(update_fields=["next_at"])


def _pass_over(trigger: Trigger) -> None:
    """What cannot be fired for an error of ours must not be tried again each second, nor vanish."""
    with transaction.atomic():
        locked = _locked().filter(pk=trigger.pk, active=True, next_at=trigger.next_at).first()
        if locked is None:
            return
        said = {"result": Firing.Result.REFUSED, "reason": _("Something went wrong on our side; it is in the log.")}
        due = locked.next_at
        Firing.objects.get_or_create(trigger=locked, key=due.isoformat(), defaults={**said, "due_at": due})
        locked.next_at = schedules.next_after(locked.cron, locked.timezone, timezone.now())
        locked.save(update_fields=["next_at"])


def _left_out(trigger: Trigger, todo: schedules.Due) -> str:
    """In the schedule's own zone."""
    since = f"{todo.first.astimezone(ZoneInfo(trigger.timezone)):%Y-%m-%d %H:%M} ({trigger.timezone})"
    words = {"count": todo.left_out, "since": since}
    if trigger.missed == Trigger.Missed.ONCE:
        return _("It also stands for %(count)s missed before, the first at %(since)s.") % words
    return _("%(count)s missed while nothing was running, the first at %(since)s.") % words


def _known(trigger: Trigger, key: str, content: str) -> Firing | None:
    """The firing of the same delivery; or of the same signed words under another number, as who replays them sends."""
    if found := trigger.firings.filter(key=key).first():
        return found
    made = IdempotencyKey.objects.filter(principal=_principal(trigger), key=content).values_list("made", flat=True)
    return trigger.firings.filter(pk=made[0]).first() if made else None


def _principal(trigger: Trigger) -> str:
    return f"hook:{trigger.pk.hex}"


def _switched_off() -> Conflict:
    return Conflict(_("This webhook is switched off. Whoever may start its agent can switch it on."))


def _start_from(firing: Firing, body: dict[str, Any], who: Any) -> AgentOpsError | None:
    """Take the inputs out of the body, and start."""
    trigger = firing.trigger
    declared = trigger.agent.live.inputs if trigger.agent.live else []
    try:
        inputs = hooks.inputs_from(body, declared, trigger.mapping, trigger.inputs)
        actor = who()
    except (InvalidInput, NotAllowed) as error:
        _keep(firing, Firing.Result.REFUSED, str(error))
        return error
    return _start(firing, actor, inputs)


def _start(firing: Firing, actor: Actor | None, inputs: dict[str, Any]) -> AgentOpsError | None:
    """Start the run, or say in the firing why not. Without an actor it is the owner who starts it."""
    trigger = firing.trigger
    if not firing.test and not trigger.overlap and _busy(trigger):
        _keep(firing, Firing.Result.SKIPPED, _("The run before it has not ended."))
        return None
    outside = trigger.kind == Trigger.Kind.WEBHOOK and bool(trigger.mapping)
    try:
        # A savepoint: what was refused leaves nothing behind but its firing.
        with transaction.atomic():
            firing.run, _new = start_run(
                actor or owner_of(trigger),
                agent=trigger.agent.name,
                team=trigger.team.slug,
                goal=trigger.goal,
                inputs=inputs,
                limits=trigger.limits,
                priority=trigger.priority,
                via=trigger.kind,
                tainted_by=_("webhook %(name)s") % {"name": trigger.name} if outside else "",
            )
    except (InvalidInput, NotAllowed, Conflict) as error:
        _keep(firing, Firing.Result.REFUSED, str(error))
        return error
    _keep(firing, Firing.Result.STARTED, firing.reason if firing.due_at else "")
    return None


def _busy(trigger: Trigger) -> bool:
    started = trigger.firings.filter(result=Firing.Result.STARTED, test=False).select_related("run")
    last = started.order_by("-at", "-pk").first()
    return last is not None and last.run is not None and not last.run.is_final


def _keep(firing: Firing, result: str, reason: str) -> None:
    firing.result, firing.reason = Firing.Result(result), reason
    firing.save()
