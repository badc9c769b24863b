"""What pages say about a request that its row does not say in words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agentops.accounts.access import Actor, Right
from agentops.core.tools import Tier
from agentops.templatetags.console import arguments
from agentops.tools.escape import visible
from approvals import subjects
from approvals.actions.claiming import CLAIM_LASTS
from approvals.models import SOON, ApprovalRequest, Decision, Inquiry

from . import precedent
from .precedent import Precedent

Status = ApprovalRequest.Status

PRESET_REASONS = [
    gettext_lazy("Not needed"),
    gettext_lazy("Wrong amount, recipient or record"),
    gettext_lazy("Ask the customer first"),
    gettext_lazy("Against our policy"),
]

DONE_WORDS = {
    "approve": gettext_lazy("approved"),
    "edit": gettext_lazy("changed and approved"),
    "reject": gettext_lazy("rejected"),
    "answer": gettext_lazy("answered"),
    "done": gettext_lazy("reported as done"),
    "hold": gettext_lazy("held the countdown"),
    "take_back": gettext_lazy("took it back"),
    "expire": gettext_lazy("expired"),
    "cancel": gettext_lazy("cancelled"),
}

OPTIONS = 12
"""Answers that a question offers as buttons; more than this are left to the text."""


@dataclass
class Shown:
    """A request with all its page needs. `problem` and `conflict` tell of a decision that did not go through."""

    request: ApprovalRequest
    may_decide: bool
    history: list[Decision]
    inquiries: list[Inquiry] = field(default_factory=list)
    precedent: Precedent | None = None
    person_id: int | None = None
    problem: str = ""
    problem_field: str = ""
    conflict: str = ""
    typed: dict[str, str] | None = None

    @property
    def pending(self) -> bool:
        return self.request.status == Status.PENDING

    @property
    def critical(self) -> bool:
        return self.request.tier == Tier.CRITICAL

    @property
    def question(self) -> bool:
        return self.request.wants == ApprovalRequest.Wants.ANSWER

    @property
    def options(self) -> list[str]:
        offered = self.request.arguments.get("options") if self.question else None
        usable = isinstance(offered, list) and all(isinstance(one, str) and one.strip() for one in offered)
        return offered if usable and offered and len(offered) <= OPTIONS else []

    @property
    def background(self) -> str:
        """What the agent gave with its question."""
        given = self.request.arguments.get("context") if self.question else ""
        return given if isinstance(given, str) else ""

    @property
    def can_hold(self) -> bool:
        return self.pending and self.request.decide_at is not None

    @property
    def can_edit(self) -> bool:
        return self.pending and not self.critical and not self.question

    @property
    def can_take_back(self) -> bool:
        until = self.request.takes_effect_at
        approved = self.request.status == Status.APPROVED and self.may_decide
        return approved and until is not None and until > timezone.now()

    @property
    def claimed(self) -> bool:
        return self.pending and is_claimed(self.request)

    @property
    def claimed_by_me(self) -> bool:
        return self.request.claimed_by_id is not None and self.request.claimed_by_id == self.person_id

    @property
    def reasons(self) -> list[str]:
        return PRESET_REASONS

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The arguments, and why one stands out against what was approved before."""
        deviating = self.precedent.deviating if self.precedent else {}
        given, schema = self.request.arguments, self.request.input_schema
        # The database keeps the order of lists but not that of objects: the required ones stand as the tool names them.
        needed = schema.get("required") if isinstance(schema, dict) else None
        names = dict.fromkeys([*(needed if isinstance(needed, list) else []), *given])
        ordered = {name: given[name] for name in names if name in given}
        return [{**row, "stands_out": deviating.get(row["name"], "")} for row in arguments(ordered)]

    @cached_property
    def face(self) -> subjects.Face | None:
        return subjects.face_of(self.request)

    @property
    def says(self) -> str:
        agent = visible(str(self.request.context.get("agent_title") or self.request.agent))
        return self.face.says(agent) if self.face else ""

    @cached_property
    def about(self) -> Any:
        return self.face.about(self.request, self.before) if self.face else None

    @cached_property
    def before(self) -> dict[str, Any] | None:
        """The arguments as the agent asked them, where a person changed them before approving."""
        edits = [entry for entry in self.history if entry.decision == "edit"]
        if self.pending or not edits:
            return None
        return edits[-1].details.get("before", {}).get("arguments") or {}

    @property
    def changes(self) -> list[dict[str, str]]:
        """What a person changed before approving: argument, as the agent asked it, as it was approved."""
        if self.before is None or self.face:
            return []
        before, after = self.before, self.request.arguments
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        return [{"name": name, "was": _short(before.get(name)), "now": _short(after.get(name))} for name in names]

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


def may_decide(request: ApprovalRequest, actor: Actor) -> bool:
    """Who works with an agent may answer its questions as well."""
    asks = request.wants == ApprovalRequest.Wants.ANSWER
    return actor.can(Right.DECIDE, request.team_id) or (asks and actor.can(Right.OPERATE, request.team_id))


def is_claimed(request: ApprovalRequest) -> bool:
    return request.claimed_at is not None and request.claimed_at > timezone.now() - CLAIM_LASTS


def who(name: str, via: str) -> str:
    """The person, or what decided in place of one."""
    if name:
        return name
    return {"timer": _("the countdown"), "system": _("the system"), "api": _("a program")}.get(via, _("somebody"))


def shown(request: ApprovalRequest, actor: Actor, **problems: Any) -> Shown:
    """Five queries at most, however long its history."""
    history = list(request.history.all())
    for entry in history:
        done = DONE_WORDS.get(entry.decision, entry.decision)
        entry.words = f"{who(entry.by_name, entry.via)} {done}"  # type: ignore[attr-defined]
    return Shown(
        request,
        may_decide(request, actor),
        history,
        list(request.inquiries.all()),
        None if request.wants == ApprovalRequest.Wants.ANSWER else precedent.of(request),
        actor.user.pk,  # type: ignore[attr-defined]
        **problems,
    )


def order(request: ApprovalRequest) -> str:
    """Sorts as `by_consequence` does; the browser puts a new row where it belongs by this."""
    deadline = request.decide_at.timestamp() if _ends_soon(request) else 99_999_999_999  # type: ignore[union-attr]
    weight = Tier.HIGH if request.wants == ApprovalRequest.Wants.ANSWER else Tier(request.tier)
    return f"{deadline:015.3f} {9 - weight.rank} {request.created_at.timestamp():015.3f} {request.id}"


def _ends_soon(request: ApprovalRequest) -> bool:
    return request.decide_at is not None and request.decide_at < timezone.now() + SOON


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 2_000 else text[:2_000] + "…"
