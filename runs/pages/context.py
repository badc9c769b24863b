"""What every page of the console shows, asked of the database only by templates that use it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from agentops.accounts.access import Right
from agentops.accounts.models import Membership
from approvals.models import ApprovalRequest
from runs.lease import PROTOCOL

from . import vitals


class Console:
    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def simulated(self) -> bool:
        return settings.ENV.simulated

    @cached_property
    def pending_approvals(self) -> int:
        return ApprovalRequest.objects.visible_to(self._request.actor).pending().count()

    @cached_property
    def administers(self) -> bool:
        """Whether the admin is open to this person."""
        return self._request.actor.teams_with(Right.ADMINISTER) != []

    @cached_property
    def operates(self) -> bool:
        """Whether this person starts and steers runs anywhere."""
        return self._request.actor.teams_with(Right.OPERATE) != []

    @cached_property
    def role(self) -> str:
        user = self._request.user
        if user.is_superuser:
            return _("Superuser: every right in every team")
        rows = Membership.objects.filter(user_id=user.pk).select_related("team")
        return ", ".join(f"{row.get_role_display()} ({row.team.name})" for row in rows) or _("No team yet")

    @property
    def redis_answers(self) -> bool:
        return vitals.look().redis_answers

    @property
    def worker_alive(self) -> bool:
        return vitals.look().worker_alive

    @property
    def protocol(self) -> int:
        """The newest that a living worker carries; this version's own while nobody knows."""
        return vitals.look().protocol or PROTOCOL


def console(request: HttpRequest) -> dict[str, Any]:
    return {"console": Console(request)}
