"""Triggers: the list, one with its history, its form, and what one does to it."""

from __future__ import annotations

import json
import shlex
import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agentops.accounts.access import Right
from agentops.accounts.pages.answers import tried
from agentops.core.errors import AgentOpsError, Conflict, InvalidInput, NotAllowed
from agentops.rest.body import MalformedBody, read_json
from approvals.pages import cursor
from runs import actions, hooks, schedules
from runs.actions.firing import owner_of
from runs.models import Firing, Run, Trigger

from . import trigger_form

MANY = 200
"""Triggers on one page; the search finds the others."""
SIZE = 30


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    q = request.GET.get("q", "").replace("\x00", "")
    rows = _visible(request)
    for word in q.split()[:8]:
        rows = rows.filter(name__icontains=word)
    found = list(_with_last(rows).order_by("-active", "name", "pk")[: MANY + 1])
    runs = Run.objects.in_bulk([trigger.last_run for trigger in found if trigger.last_run])
    for trigger in found:
        trigger.words = schedules.in_words(trigger.cron)
        trigger.ended = runs.get(trigger.last_run)
        trigger.said = dict(Firing.Result.choices).get(trigger.last_result, "")
        trigger.may = request.actor.can(Right.OPERATE, trigger.team_id)
    context = {
        "triggers": found[:MANY],
        "more": len(found) > MANY,
        "many": MANY,
        "q": q,
        "may_make": request.actor.teams_with(Right.OPERATE) != [],
    }
    return render(request, "runs/triggers.html", context)


@require_GET
def one(request: HttpRequest, trigger_id: uuid.UUID) -> HttpResponse:
    return _show(request, _found(request, trigger_id))


@never_cache
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A webhook's answer shows its secret, and it is the only place that ever does."""
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    kind = kind if kind in Trigger.Kind.values else Trigger.Kind.SCHEDULE.value
    if request.method != "POST":
        return _form(request, trigger_form.of_new(request, kind))
    form = trigger_form.typed(request, kind)
    try:
        fields = trigger_form.fields(request, form, None)
        trigger = actions.create_trigger(request.actor, kind=kind, team=form["chosen"].team.slug, **fields)
    except (InvalidInput, NotAllowed) as error:
        return _refused(request, form, error)
    if trigger.kind == Trigger.Kind.WEBHOOK:
        return _show(request, _found(request, trigger.pk), secret=True, status=201)
    messages.success(request, _("Made. It starts by itself from now on."))
    return redirect("trigger", trigger.pk)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, trigger_id: uuid.UUID) -> HttpResponse:
    trigger = _operated(request, trigger_id)
    if request.method != "POST":
        return _form(request, trigger_form.of_trigger(request, trigger), trigger)
    form = trigger_form.typed(request, trigger.kind, trigger)
    try:
        fields = trigger_form.fields(request, form, trigger)
        actions.change_trigger(request.actor, trigger, base=form["values"]["base"], **fields)
    except (InvalidInput, NotAllowed, Conflict) as error:
        return _refused(request, form, error, trigger)
    messages.success(request, _("Saved. Its runs start in your name from now on."))
    return redirect("trigger", trigger.pk)


@require_GET
def inputs(request: HttpRequest) -> HttpResponse:
    """What another agent asks for, when it is chosen."""
    webhook = request.GET.get("kind") == Trigger.Kind.WEBHOOK
    form = trigger_form.asked(request, Trigger.Kind.WEBHOOK if webhook else Trigger.Kind.SCHEDULE)
    return render(request, "runs/_trigger_inputs.html" if webhook else "runs/_inputs.html", form)


@require_GET
def times(request: HttpRequest) -> HttpResponse:
    """What is typed, in words, and when it would be due; or what is wrong with it."""
    cron = " ".join(request.GET.get("cron", "").replace("\x00", "")[:500].split())
    zone = request.GET.get("timezone", "").strip()[:64]
    context: dict[str, Any] = {}
    try:
        schedules.check(cron, zone, timezone.now())
        context = {"words": schedules.in_words(cron), "coming": schedules.coming(cron, zone, timezone.now())}
    except InvalidInput as error:
        context = {"problem": str(error)}
    return render(request, "runs/_trigger_times.html", context)


@require_POST
def switch(request: HttpRequest, trigger_id: uuid.UUID) -> HttpResponse:
    trigger = _found(request, trigger_id)
    active = request.POST.get("active") == "yes"
    done = _("It starts runs again.") if active else _("Switched off: it starts nothing. Runs under way go on.")
    tried(request, lambda: actions.switch_trigger(request.actor, trigger, active=active), done)
    return redirect("triggers" if request.POST.get("back") == "list" else "trigger", **_back(request, trigger))


@require_POST
def delete(request: HttpRequest, trigger_id: uuid.UUID) -> HttpResponse:
    trigger = _found(request, trigger_id)

    def act() -> bool:
        actions.delete_trigger(request.actor, trigger)
        return True

    done = _("Deleted “%(name)s”. Its runs are still here.") % {"name": trigger.name}
    return redirect("triggers") if tried(request, act, done) else redirect("trigger", trigger.pk)


@never_cache
@require_POST
def replace_secret(request: HttpRequest, trigger_id: uuid.UUID) -> HttpResponse:
    trigger = _found(request, trigger_id)
    if tried(request, lambda: actions.replace_secret(request.actor, trigger)) is None:
        return redirect("trigger", trigger.pk)
    return _show(request, _found(request, trigger_id), secret=True)


@require_POST
def test(request: HttpRequest, trigger_id: uuid.UUID) -> HttpResponse:
    trigger = _operated(request, trigger_id)
    typed = request.POST.get("body", "")
    try:
        body = _body(typed) if trigger.kind == Trigger.Kind.WEBHOOK else None
        key = request.POST.get("key", "")[:64] or uuid.uuid4().hex
        fired = actions.try_trigger(request.actor, trigger, key=key.replace("\x00", ""), body=body)
    except (InvalidInput, MalformedBody, Conflict) as error:
        return _show(request, trigger, problem=str(error), typed=typed, status=422)
    except NotAllowed as error:
        messages.error(request, str(error))
        return redirect("trigger", trigger.pk)
    if fired.refusal is not None:
        return _show(request, trigger, problem=str(fired.refusal), typed=typed, status=422)
    messages.success(request, _("Started, as a test."))
    return redirect("run", fired.firing.run_id) if fired.firing.run_id else redirect("trigger", trigger.pk)


def _show(
    request: HttpRequest,
    trigger: Trigger,
    *,
    secret: bool = False,
    problem: str = "",
    typed: str = "",
    status: int = 200,
) -> HttpResponse:
    listed = cursor.newest_first(trigger.firings.select_related("run"), "at", request.GET.get("cursor", ""), SIZE)
    context: dict[str, Any] = {
        "trigger": trigger,
        "webhook": trigger.kind == Trigger.Kind.WEBHOOK,
        "words": schedules.in_words(trigger.cron),
        "coming": schedules.coming_of(trigger),
        "page": listed,
        "may": request.actor.can(Right.OPERATE, trigger.team_id),
        "refusal": _refusal(trigger),
        "problem": problem,
        "key": uuid.uuid4().hex,
    }
    if context["webhook"]:
        sample = json.dumps(_sample(trigger), indent=2, ensure_ascii=False)
        context |= {
            "address": request.build_absolute_uri(hooks.path_of(trigger)),
            "secret": hooks.secret_of(trigger) if secret else "",
            "header": hooks.HEADER,
            "minutes": hooks.TOLERANCE // 60,
            "sample": sample,
            "quoted": shlex.quote(json.dumps(_sample(trigger), ensure_ascii=False)),
            "typed": typed or sample,
        }
    return render(request, "runs/trigger.html", context, status=status)


def _form(
    request: HttpRequest, form: dict[str, Any], trigger: Trigger | None = None, status: int = 200
) -> HttpResponse:
    return render(request, "runs/trigger_form.html", {**form, "trigger": trigger}, status=status)


def _refused(
    request: HttpRequest, form: dict[str, Any], error: AgentOpsError, trigger: Trigger | None = None
) -> HttpResponse:
    trigger_form.blame(form, error if isinstance(error, InvalidInput) else InvalidInput(str(error)))
    return _form(request, form, trigger, 409 if isinstance(error, Conflict) else 422)


def _refusal(trigger: Trigger) -> str:
    """Why its owner could start nothing just now; "" when it is well, or nobody's until it is switched on."""
    if trigger.owner_id is None and not trigger.active:
        return ""
    try:
        owner_of(trigger)
    except NotAllowed as error:
        return str(error)
    return ""


def _body(text: str) -> dict[str, Any]:
    if len(text) > hooks.MOST_BYTES:
        raise InvalidInput(
            _("The body is too large: a webhook takes %(most)s kB.") % {"most": hooks.MOST_BYTES // 1024}
        )
    body = read_json(text)
    if not isinstance(body, dict):
        raise InvalidInput(_("The body is a JSON object: {…}."), "body")
    return body


def _sample(trigger: Trigger) -> dict[str, Any]:
    """A body that has something at each place of the mapping."""
    declared = {one["name"]: one for one in (trigger.agent.live.inputs if trigger.agent.live else [])}
    body: dict[str, Any] = {}
    for name, pointer in trigger.mapping.items():
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]] or [name]
        inside = body
        for part in way:
            inside = inside.setdefault(part, {}) if isinstance(inside.get(part, {}), dict) else {}
        inside.setdefault(last, _example(declared.get(name)))
    return _lists(body) if body else {"event": "example"}


def _example(one: dict[str, Any] | None) -> Any:
    if one is None:
        return "text"
    if one["default"] is not None:
        return one["default"]
    today = timezone.localdate() + timedelta(days=1)
    kinds = {"number": 1, "yes_no": True, "date": today.isoformat(), "choice": next(iter(one["choices"]), "")}
    return kinds.get(one["kind"], "text")


def _lists(value: Any) -> Any:
    """What is counted 0, 1, 2 is a list."""
    if not isinstance(value, dict):
        return value
    inside = {name: _lists(part) for name, part in value.items()}
    return [*inside.values()] if sorted(inside) == [str(n) for n in range(len(inside))] else inside


def _back(request: HttpRequest, trigger: Trigger) -> dict[str, Any]:
    return {} if request.POST.get("back") == "list" else {"trigger_id": trigger.pk}


def _visible(request: HttpRequest) -> QuerySet[Trigger]:
    return Trigger.objects.visible_to(request.actor).select_related("team", "agent__live", "owner")


def _found(request: HttpRequest, trigger_id: uuid.UUID) -> Trigger:
    return get_object_or_404(_visible(request), pk=trigger_id)


def _operated(request: HttpRequest, trigger_id: uuid.UUID) -> Trigger:
    """Not there for who may not see it, forbidden for who may only see it."""
    trigger = _found(request, trigger_id)
    if not request.actor.can(Right.OPERATE, trigger.team_id):
        raise PermissionDenied
    return trigger


def _with_last(rows: QuerySet[Trigger]) -> QuerySet[Trigger]:
    last = Firing.objects.filter(trigger=OuterRef("pk")).order_by("-at", "-pk")
    return rows.annotate(
        last_result=Subquery(last.values("result")[:1]),
        last_at=Subquery(last.values("at")[:1]),
        last_run=Subquery(last.values("run")[:1]),
    )
