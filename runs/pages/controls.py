"""A person steers a run: pause, resume, cancel, and say what became of a call in doubt."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs import actions
from runs.models import Run, ToolCall

from . import run as run_page

STATUS = {NotAllowed: 403, Conflict: 409, InvalidInput: 422}


@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()
    return _act(request, run_id, lambda: actions.cancel_run(request.actor, run_id, reason=reason), _("Cancelled."))


@require_POST
def pause(request: HttpRequest, run_id: UUID) -> HttpResponse:
    return _act(request, run_id, lambda: actions.pause_run(request.actor, run_id), _("It pauses after what it is doing now."))


@require_POST
def resume(request: HttpRequest, run_id: UUID) -> HttpResponse:
    return _act(request, run_id, lambda: actions.resume_run(request.actor, run_id), _("It goes on."))


@require_POST
def resolve(request: HttpRequest, run_id: UUID, call_id: int) -> HttpResponse:
    outcome, note = request.POST.get("outcome", ""), request.POST.get("note", "").strip()
    run_page.visible_run(request, run_id).call_set.filter(pk=call_id).exists() or _missing()
    return _act(
        request, run_id, lambda: actions.resolve_in_doubt(request.actor, call_id, outcome, note=note), _("Noted; the agent is told.")
    )


def _act(request: HttpRequest, run_id: UUID, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
    except (Run.DoesNotExist, ToolCall.DoesNotExist) as error:
        raise Http404 from error
    except (NotAllowed, Conflict, InvalidInput) as error:
        return _tell(request, run_id, str(error), STATUS[type(error)] if type(error) in STATUS else 409)
    return _tell(request, run_id, done, 200)


def _tell(request: HttpRequest, run_id: UUID, words: str, status: int) -> HttpResponse:
    if not request.htmx:
        (messages.success if status == 200 else messages.error)(request, words)
        return redirect("run", run_id)
    if status == 403:
        response = HttpResponse(status=403)
    else:
        last = request.POST.get("last", "")
        shown = int(last) if last.isascii() and last.isdigit() else 10**9
        response = run_page.fragments(request, run_page.visible_run(request, run_id), set(), shown)
        response.status_code = status
    return trigger_client_event(response, "toast", {"text": words, "kind": "" if status == 200 else "bad"})


def _missing() -> None:
    raise Http404
