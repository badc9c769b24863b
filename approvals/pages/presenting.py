"""What pages say about a request that its row does not say in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agentops.accounts.access import Actor, Right
from agentops.core.tools import Tier
from approvals.models import ApprovalRequest, Decision

PRESET_REASONS = [
    gettext_lazy("Not needed"),
    gettext_lazy("Wrong amount, recipient or record"),
    gettext_lazy("Ask the customer first"),
    gettext_lazy("Against our policy"),
]

DONE_WORDS = {
    "approve": gettext_lazy("approved"),
    "reject": gettext_lazy("rejected"),
    "done": gettext_lazy("reported as done"),
    "hold": gettext_lazy("held the countdown"),
    "expire": gettext_lazy("expired"),
    "cancel": gettext_lazy("cancelled"),
}


@dataclass
class Shown:
    """A request with all its page needs. `problem` and `conflict` tell of a decision that did not go through."""

    request: ApprovalRequest
    may_decide: bool
    history: list[Decision]
    problem: str = ""
    problem_field: str = ""
    conflict: str = ""
    typed: dict[str, str] | None = None

    @property
    def pending(self) -> bool:
        return self.request.status == ApprovalRequest.Status.PENDING

    @property
    def critical(self) -> bool:
        return self.request.tier == Tier.CRITICAL

    @property
    def can_hold(self) -> bool:
        return self.pending and self.request.decide_at is not None

    @property
    def reasons(self) -> list[str]:
        return PRESET_REASONS

    @property
    def when_time_is_up(self) -> str:
        if not self.request.decide_at:
            if self.request.frozen_for is not None:
                return _("The countdown stands still while it is held or its run is paused.")
            return _("Nothing happens by itself: it waits for a person.")
        if self.request.on_deadline == "approve":
            return _("It approves itself when the countdown ends, unless somebody decides before.")
        return _("It expires when the countdown ends: the agent is told that nobody decided, and nothing is done.")

    @property
    def by(self) -> str:
        return who(self.request.decided_by_name, self.request.decided_via)


def who(name: str, via: str) -> str:
    """The person, or what decided in place of one."""
    if name:
        return name
    return {"timer": _("the countdown"), "system": _("the system"), "api": _("a program")}.get(via, _("somebody"))


def shown(request: ApprovalRequest, actor: Actor, **problems: Any) -> Shown:
    history = list(request.history.all())
    for entry in history:
        done = DONE_WORDS.get(entry.decision, entry.decision)
        entry.words = f"{who(entry.by_name, entry.via)} {done}"  # type: ignore[attr-defined]
    return Shown(request, actor.can(Right.DECIDE, request.team_id), history, **problems)


def order(request: ApprovalRequest) -> str:
    """Sorts as `by_consequence` does; the browser puts a new row where it belongs by this."""
    deadline = request.decide_at.timestamp() if request.decide_at else 99_999_999_999
    return f"{deadline:015.3f} {9 - Tier(request.tier).rank} {request.created_at.timestamp():015.3f} {request.id}"
