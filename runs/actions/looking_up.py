"""A person asks what the outside system says of a call in doubt; the sweeps look, and the page hears of it."""

from __future__ import annotations

from functools import partial

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict
from agentops.core.states import CallStatus
from agentops.tools.registry import registry

from .. import verifying
from ..models import Run, ToolCall

log = structlog.get_logger(__name__)


def look_up(actor: Actor, call_id: int) -> ToolCall:
    """Have it looked up now. Who may say what happened may, and who works with the run.

    Raises ToolCall.DoesNotExist, NotAllowed, and Conflict when it is not in doubt (any more), its tool cannot look, or
    it is being looked up.
    """
    found = ToolCall.objects.filter(run__in=Run.objects.visible_to(actor)).select_related("run", "step").get(pk=call_id)
    if not actor.can(Right.DECIDE, found.run.team_id):
        actor.require(Right.OPERATE, found.run.team_id)
    tool = registry.get(found.tool)
    if tool is None or not tool.can_verify:
        raise Conflict(_("%(tool)s cannot look whether it happened. Look outside yourself.") % {"tool": found.tool})
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=found.run_id)
        found.refresh_from_db()
        if found.status != CallStatus.IN_DOUBT:
            raise Conflict(
                _("It is not in doubt any more: %(status)s.") % {"status": found.get_status_display().lower()}
            )
        if verifying.waits_for_look(found):
            raise Conflict(_("It is being looked up."))
        now = timezone.now().isoformat()
        verified = {**(found.verified or {}), "asked_at": now, "asked_by": str(actor)[:150]}
        ToolCall.objects.filter(pk=found.pk).update(verified=verified)
        verifying.announce(run, found)
        transaction.on_commit(partial(_hint, found.pk))
    found.refresh_from_db()
    return found


def _hint(call_id: int) -> None:
    """Ask for it now. With the broker gone the sweep does it later."""
    from ..tasks import verify_calls

    try:
        verify_calls.apply_async(retry=False)
    except (OperationalError, OSError) as error:
        log.warning("look_up_not_sent", call=call_id, error=str(error))
