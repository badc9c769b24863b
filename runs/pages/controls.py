"""A person steers a run: pause, resume, cancel, and say what became of a call in doubt."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs import actions
from runs.models import Run, ToolCall

from . import run as run_page


@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()
    return _act(request, run_id, lambda: actions.cancel_run(request.actor, run_id, reason=reason), _("Cancelled."))


@require_POST
def pause(request: HttpRequest, run_id: UUID) -> HttpResponse:
    return _act(
        request, run_id, lambda: actions.pause_run(request.actor, run_id), _("It pauses after what it is doing now.")
    )


@require_POST
def resume(request: HttpRequest, run_id: UUID) -> HttpResponse:
    return _act(request, run_id, lambda: actions.resume_run(request.actor, run_id), _("It goes on."))


@require_POST
def resolve(request: HttpRequest, run_id: UUID, call_id: int) -> HttpResponse:
    outcome, note = request.POST.get("outcome", ""), request.POST.get("note", "").strip()
    get_object_or_404(run_page.visible_run(request, run_id).call_set, pk=call_id)
    return _act(
        request,
        run_id,
        lambda: actions.resolve_in_doubt(request.actor, call_id, outcome, note=note),
        _("Noted; the agent is told."),
    )


def _act(request: HttpRequest, run_id: UUID, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
    except (Run.DoesNotExist, ToolCall.DoesNotExist) as error:
        raise Http404 from error
    except (NotAllowed, Conflict, InvalidInput) as error:
        return _tell(request, run_id, str(error), _status(error))
    return _tell(request, run_id, done, 200)


def _status(error: Exception) -> int:
    return 403 if isinstance(error, NotAllowed) else 409 if isinstance(error, Conflict) else 422


def _tell(request: HttpRequest, run_id: UUID, words: str, status: int) -> HttpResponse:
    """The page hears what came of it and then asks for what changed, as after any event."""
    if not request.htmx:
        (messages.success if status == 200 else messages.error)(request, words)
        return redirect("run", run_id)
    response = HttpResponse(status=204 if status == 200 else status)
    trigger_client_event(response, "toast", {"text": words, "kind": "" if status == 200 else "bad"})
    return trigger_client_event(response, "acted", {})
