"""What a request is about, seen from here: something that can be locked, and told what was decided."""

from __future__ import annotations

from typing import Protocol

from .models import ApprovalRequest, Decision


class Subject(Protocol):
    """One kind of subject. Both methods run inside the transaction of the decision."""

    def lock(self, subject_id: str) -> None:
        """Take the subject's own row lock. Always taken before the request's, so that nobody deadlocks."""
        ...

    def on_decided(self, request: ApprovalRequest, decision: Decision) -> None:
        """Carry it out in the database. `decision.decision` is approve, reject, done, expire, or hold (which
        decides nothing: the request is still pending, without its countdown). A Conflict undoes it all."""
        ...


_subjects: dict[str, Subject] = {}


def register(kind: str, subject: Subject) -> None:
    """Called once for each kind, when its app is ready."""
    _subjects[kind] = subject


def subject_of(request: ApprovalRequest) -> Subject:
    return _subjects[request.subject_kind]
