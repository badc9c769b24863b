"""What a person does around a decision: asks the agent, and says that they are looking at it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from approvals import actions
from approvals.models import ApprovalRequest

from . import decision


@require_POST
def ask(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """The action stays held; the agent's answer comes into the request."""
    question = request.POST.get("question", "").strip()
    try:
        actions.ask(request.actor, request_id, question=question)
    except ApprovalRequest.DoesNotExist as error:
        raise Http404 from error
    except NotAllowed as error:
        return decision.refused(request, request_id, str(error))
    except InvalidInput as error:
        return decision.answer(
            request, request_id, 422, problem=str(error), problem_field="question", typed=request.POST.dict()
        )
    except Conflict as error:
        return decision.answer(request, request_id, 409, conflict=str(error))
    return _said(request, request_id, _("Asked; the answer appears in the request."))


@require_POST
def claim(request: HttpRequest, request_id: UUID) -> HttpResponse:
    mine = request.POST.get("claim", "") == "yes"
    try:
        (actions.claim if mine else actions.unclaim)(request.actor, request_id)
    except ApprovalRequest.DoesNotExist as error:
        raise Http404 from error
    except NotAllowed as error:
        return decision.refused(request, request_id, str(error))
    except Conflict as error:
        return decision.answer(request, request_id, 409, conflict=str(error))
    said = _("Others see that you are looking at it.") if mine else _("Others no longer see you at it.")
    return _said(request, request_id, said)


def _said(request: HttpRequest, request_id: UUID, words: str) -> HttpResponse:
    if not request.htmx:
        messages.success(request, words)
        return redirect("approval", request_id)
    return trigger_client_event(decision.answer(request, request_id, 200), "toast", {"text": words})
