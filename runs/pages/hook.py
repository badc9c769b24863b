"""Where webhooks arrive: open to anybody, and nobody is heard without a signature."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agentops.core.errors import AgentOpsError, InvalidInput
from agentops.rest import problem, throttle
from agentops.rest.body import read_json
from agentops.rest.problems import TOLD_AS
from runs import actions, hooks
from runs.models import Firing, Trigger


@csrf_exempt
@login_not_required
@require_POST
def receive(request: HttpRequest, trigger_id: UUID) -> HttpResponse:
    """201 with the run; 200 when the delivery came before, or was left out. Errors are problems."""
    try:
        return _receive(request, trigger_id)
    except hooks.Unsigned as error:
        answer = problem(401, str(error))
        answer["WWW-Authenticate"] = hooks.HEADER
        return answer
    except RequestDataTooBig:
        return too_large()
    except (AgentOpsError, Trigger.DoesNotExist, OperationalError, InterfaceError) as error:
        return next(teller for kind, teller in TOLD_AS.items() if isinstance(error, kind))(error)


def too_large() -> HttpResponse:
    most = hooks.MOST_BYTES // 1024
    return problem(413, _("The body is too large: a webhook takes %(most)s kB.") % {"most": most})


def _receive(request: HttpRequest, trigger_id: UUID) -> HttpResponse:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not declared.isdigit() or int(declared[:12]) > hooks.MOST_BYTES or len(request.body) > hooks.MOST_BYTES:
        return too_large()
    body = request.body
    trigger = Trigger.objects.get(pk=trigger_id, kind=Trigger.Kind.WEBHOOK)
    header = request.headers.get(hooks.HEADER, "")
    try:
        at = hooks.check_signature(header, body, hooks.secret_of(trigger), time.time())
    except hooks.Unsigned:
        throttle.count_unsigned(request.META.get("REMOTE_ADDR", ""))
        raise
    throttle.count_delivery(str(trigger.pk))
    sent = read_json(body)
    if not isinstance(sent, dict):
        raise InvalidInput(_("The body is a JSON object: {…}."), "body")
    fired = actions.deliver(
        trigger_id,
        sent,
        delivery=next((request.headers[name] for name in hooks.DELIVERY_HEADERS if request.headers.get(name)), ""),
        content=hooks.content_key(at, body),
    )
    if fired.refusal is not None:
        raise fired.refusal
    return JsonResponse(_told(fired.firing), status=201 if fired.new and fired.firing.run_id else 200)


def _told(firing: Firing) -> dict[str, Any]:
    return {
        "result": firing.result,
        "reason": firing.reason,
        "run": str(firing.run_id) if firing.run_id else None,
        "delivery": firing.delivery,
    }
