"""What a request is about, seen from here: something that can be locked, and told what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from .models import ApprovalRequest, Decision, Inquiry


@dataclass(frozen=True, slots=True)
class Amendment:
    """A request's action with other arguments: validated, in words, and bound anew."""

    arguments: dict[str, Any]
    effect: str
    bound_hash: str


class Subject(Protocol):
    """One kind of subject. Both methods run inside the transaction of the decision."""

    def lock(self, subject_id: str) -> None:
        """Take the subject's own row lock. Always taken before the request's, so that nobody deadlocks."""
        ...

    def amend(self, request: ApprovalRequest, arguments: dict[str, Any]) -> Amendment:
        """What would happen with these arguments. Raises InvalidInput when they do not fit, or ask for more care
        than an approval of this request gives."""
        ...

    def on_decided(self, request: ApprovalRequest, decision: Decision) -> None:
        """Carry it out in the database. `decision.decision` is approve, edit (an approval of the request as it reads
        now), reject, answer, done, expire, take_back (it is pending again), or hold (which decides nothing: it is
        still pending, without its countdown). Nothing may happen before `request.takes_effect_at`. A Conflict
        undoes it all."""
        ...

    def on_asked(self, inquiry: Inquiry) -> None:
        """A person asks the agent something before deciding: let it answer (`actions.answer_inquiry`)."""
        ...


_subjects: dict[str, Subject] = {}


def register(kind: str, subject: Subject) -> None:
    """Called once for each kind, when its app is ready."""
    _subjects[kind] = subject


def subject_of(request: ApprovalRequest) -> Subject:
    return _subjects[request.subject_kind]
