"""Takes a person's decision from the page and shows what came of it, here or inside a run's page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from agentops.tools.escape import visible
from approvals import actions
from approvals.models import ApprovalRequest

from . import inbox, presenting

SAID = {
    "approve": gettext_lazy("Approved"),
    "reject": gettext_lazy("Rejected"),
    "done": gettext_lazy("Reported as done"),
    "hold": gettext_lazy("Countdown held"),
}


@require_POST
def decide(request: HttpRequest, request_id: UUID) -> HttpResponse:
    decision = request.POST.get("decision", "")
    try:
        decided = actions.decide(
            request.actor,
            request_id,
            decision=decision,
            revision=_revision(request.POST.get("revision", "")),
            reason=request.POST.get("reason", "").strip(),
            outcome=request.POST.get("outcome", "").strip(),
            via=ApprovalRequest.Via.PAGE,
        )
    except ApprovalRequest.DoesNotExist as error:
        raise Http404 from error
    except NotAllowed as error:
        return _refused(request, request_id, str(error))
    except InvalidInput as error:
        return _answer(
            request, request_id, 422, problem=str(error), problem_field=error.field, typed=request.POST.dict()
        )
    except Conflict as error:
        return _answer(request, request_id, 409, conflict=str(error))
    said = f"{SAID[decision]}: {visible(decided.effect)[:200]}"
    if not request.htmx:
        messages.success(request, said)
        return redirect("approvals")
    response = _answer(request, request_id, 200)
    return trigger_client_event(
        response, "decided", {"id": str(request_id), "decision": decision, "status": decided.status, "text": said}
    )


def _revision(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InvalidInput(_("The form came without its revision: reload the page and look again."), "revision")
    return int(text[:9])


def _answer(request: HttpRequest, request_id: UUID, status: int, **problems: object) -> HttpResponse:
    """The request as it is now. The socket brings the rest of the page up to date."""
    visible_rows = ApprovalRequest.objects.visible_to(request.actor).select_related("team", "policy_version")
    row = get_object_or_404(visible_rows, pk=request_id)
    if not request.htmx:
        return render(request, "approvals/inbox.html", inbox.context(request, row, **problems), status=status)
    place = request.POST.get("place", "")
    template = "approvals/_decide.html" if place == "run" else "approvals/_request.html"
    shown = presenting.shown(row, request.actor, **problems)
    return render(request, template, {"shown": shown, "place": place}, status=status)


def _refused(request: HttpRequest, request_id: UUID, words: str) -> HttpResponse:
    if not request.htmx:
        messages.error(request, words)
        return redirect("approval", request_id)
    return trigger_client_event(HttpResponse(status=403), "toast", {"text": words, "kind": "bad"})
