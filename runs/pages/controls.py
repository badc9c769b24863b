"""A person steers a run: pause, resume, cancel, message, limits, let it go on, answer, and settle what is in doubt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs import actions
from runs.actions.starting import LIMITS
from runs.models import Run, ToolCall

from .seeing import visible_run


@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()
    return perform(request, run_id, lambda: actions.cancel_run(request.actor, run_id, reason=reason), _("Cancelled."))


@require_POST
def pause(request: HttpRequest, run_id: UUID) -> HttpResponse:
    return perform(
        request, run_id, lambda: actions.pause_run(request.actor, run_id), _("It pauses after what it is doing now.")
    )


@require_POST
def resume(request: HttpRequest, run_id: UUID) -> HttpResponse:
    return perform(request, run_id, lambda: actions.resume_run(request.actor, run_id), _("It goes on."))


@require_POST
def message(request: HttpRequest, run_id: UUID) -> HttpResponse:
    text = request.POST.get("text", "")
    return perform(
        request, run_id, lambda: actions.send_message(request.actor, run_id, text), _("Sent. Its next step reads it.")
    )


@require_POST
def limits(request: HttpRequest, run_id: UUID) -> HttpResponse:
    def act() -> None:
        actions.raise_limits(request.actor, run_id, _raised(request, run_id))

    return perform(request, run_id, act, _("Raised."))


@require_POST
def let_go_on(request: HttpRequest, run_id: UUID) -> HttpResponse:
    def act() -> None:
        actions.continue_run(request.actor, run_id, _raised(request, run_id) or None)

    return perform(request, run_id, act, _("It goes on from where it stopped."))


@require_POST
def answer(request: HttpRequest, run_id: UUID) -> HttpResponse:
    call = request.POST.get("call", "")
    call_id = int(call) if call.isascii() and call.isdigit() and len(call) < 19 else None
    # A pressed option comes as `option`, so that what is half typed beside it does not count.
    text = (request.POST.get("option") or request.POST.get("text", "")).strip()
    return perform(
        request,
        run_id,
        lambda: actions.answer_question(request.actor, run_id, text, call_id=call_id),
        _("Answered; the agent goes on with it."),
    )


@require_POST
def look_up(request: HttpRequest, run_id: UUID, call_id: int) -> HttpResponse:
    get_object_or_404(visible_run(request, run_id).call_set, pk=call_id)
    return perform(request, run_id, lambda: actions.look_up(request.actor, call_id), _("It is being looked up."))


@require_POST
def resolve(request: HttpRequest, run_id: UUID, call_id: int) -> HttpResponse:
    outcome, note = request.POST.get("outcome", ""), request.POST.get("note", "").strip()
    get_object_or_404(visible_run(request, run_id).call_set, pk=call_id)
    return perform(
        request,
        run_id,
        lambda: actions.resolve_in_doubt(request.actor, call_id, outcome, note=note),
        _("Noted; the agent is told."),
    )


def _raised(request: HttpRequest, run_id: UUID) -> dict[str, Any]:
    """The limits whose fields no longer say what the run has, as typed: the action says what does not work."""
    run = Run.objects.visible_to(request.actor).get(pk=run_id)
    changed: dict[str, Any] = {}
    for name in LIMITS:
        typed = request.POST.get(name, "").strip()
        if typed and typed != _present(run, name):
            changed[name] = typed
    return changed


def _present(run: Run, name: str) -> str:
    value = getattr(run, name)
    return f"{value.normalize():f}" if name == "max_cost_usd" else str(value)


def perform(request: HttpRequest, run_id: UUID, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
    except (Run.DoesNotExist, ToolCall.DoesNotExist) as error:
        raise Http404 from error
    except (NotAllowed, Conflict, InvalidInput) as error:
        return _tell(request, run_id, str(error), _status(error), getattr(error, "field", None) or "")
    return _tell(request, run_id, done, 200)


def _status(error: Exception) -> int:
    return 403 if isinstance(error, NotAllowed) else 409 if isinstance(error, Conflict) else 422


def _tell(request: HttpRequest, run_id: UUID, words: str, status: int, field: str = "") -> HttpResponse:
    """The page hears what came of it and then asks for what changed, as after any event."""
    if not request.htmx:
        (messages.success if status == 200 else messages.error)(request, words)
        return redirect("run", run_id)
    response = HttpResponse(status=204 if status == 200 else status)
    trigger_client_event(response, "toast", {"text": words, "kind": "" if status == 200 else "bad"})
    if status == 200:
        return trigger_client_event(response, "acted", {})
    return trigger_client_event(response, "refused", {"field": field.removeprefix("limits."), "text": words})
