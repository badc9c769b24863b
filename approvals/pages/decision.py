"""Takes a person's decision from the page and shows what came of it, here or inside a run's page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from agentops.templatetags.console import epoch
from agentops.tools.escape import visible
from approvals import actions
from approvals.models import ApprovalRequest

from . import inbox, presenting

SAID = {
    "approve": gettext_lazy("Approved"),
    "edit": gettext_lazy("Approved with changes"),
    "reject": gettext_lazy("Rejected"),
    "answer": gettext_lazy("Answered"),
    "done": gettext_lazy("Reported as done"),
    "hold": gettext_lazy("Countdown held"),
    "take_back": gettext_lazy("Taken back, it waits again"),
}


@require_POST
def decide(request: HttpRequest, request_id: UUID) -> HttpResponse:
    decision = request.POST.get("decision", "")
    deed: dict[str, Any] = {name: request.POST.get(name, "").strip() for name in ("reason", "outcome")}
    if decision == "answer":
        # The button of an offered option wins over the text beside it.
        deed["answer"] = (request.POST.get("option") or request.POST.get("answer", "")).strip()
    try:
        decided = actions.decide(
            request.actor,
            request_id,
            decision=decision,
            revision=revision(request.POST.get("revision", "")),
            via=ApprovalRequest.Via.PAGE,
            **deed,
        )
    except ApprovalRequest.DoesNotExist as error:
        raise Http404 from error
    except NotAllowed as error:
        return refused(request, request_id, str(error))
    except InvalidInput as error:
        return answer(
            request, request_id, 422, problem=str(error), problem_field=error.field, typed=request.POST.dict()
        )
    except Conflict as error:
        return answer(request, request_id, 409, conflict=str(error))
    return done(request, decided, decision)


def done(request: HttpRequest, decided: ApprovalRequest, decision: str) -> HttpResponse:
    """What was decided, with the way back while there is one."""
    said = f"{SAID[decision]}: {visible(decided.effect)[:200]}"
    if not request.htmx:
        messages.success(request, said)
        stays = decided.status == ApprovalRequest.Status.PENDING or decided.takes_effect_at
        return redirect("approval", decided.pk) if stays else redirect("approvals")
    told = {"id": str(decided.pk), "decision": decision, "status": decided.status, "text": said}
    told |= {"revision": decided.revision, "until": epoch(decided.takes_effect_at)}
    return trigger_client_event(answer(request, decided.pk, 200), "decided", told)


def revision(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InvalidInput(_("The form came without its revision: reload the page and look again."), "revision")
    return int(text[:9])


def answer(request: HttpRequest, request_id: UUID, status: int, **problems: object) -> HttpResponse:
    """The request as it is now. The socket brings the rest of the page up to date."""
    visible_rows = ApprovalRequest.objects.visible_to(request.actor).select_related("team", "policy_version")
    row = get_object_or_404(visible_rows, pk=request_id)
    if not request.htmx:
        return render(request, "approvals/inbox.html", inbox.context(request, row, **problems), status=status)
    place = request.POST.get("place", "")
    template = "approvals/_decide.html" if place == "run" else "approvals/_request.html"
    shown = presenting.shown(row, request.actor, **problems)
    return render(request, template, {"shown": shown, "place": place}, status=status)


def refused(request: HttpRequest, request_id: UUID, words: str) -> HttpResponse:
    if not request.htmx:
        messages.error(request, words)
        return redirect("approval", request_id)
    return trigger_client_event(HttpResponse(status=403), "toast", {"text": words, "kind": "bad"})
