"""What a request is about, seen from here: something that can be locked, and told what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django.http import QueryDict

from agentops.core.errors import InvalidInput

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

    def taken_back(self, subject_ids: list[str]) -> set[str]:
        """Of these, what was carried out and has been undone since: an approval that somebody came to regret."""
        ...

    def on_asked(self, inquiry: Inquiry) -> None:
        """A person asks the agent something before deciding: let it answer (`actions.answer_inquiry`)."""
        ...


class Form(Protocol):
    """The arguments of a request as fields, with whatever was typed into them."""

    wrong: bool
    """Something in it cannot be used; it says so at its place."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What it holds now."""
        ...

    def blame(self, refused: InvalidInput) -> bool:
        """Put a refusal of these arguments where it belongs. Whether there is such a place."""
        ...


class Face(Protocol):
    """How pages show requests of one kind, where a list of names and values says too little."""

    shown_by: str
    """The template of what is asked; it finds `about`."""
    edited_by: str
    """The template of the fields that change it; it finds `form`, and stands inside the form."""

    def says(self, agent: str) -> str:
        """One sentence: who wants what."""
        ...

    def about(self, request: ApprovalRequest, before: dict[str, Any] | None) -> Any:
        """What `shown_by` shows. `before`: as it was asked, where a person changed it before approving."""
        ...

    def form(self, request: ApprovalRequest, arguments: dict[str, Any]) -> Form:
        """Raises InvalidInput when only JSON can hold these arguments."""
        ...

    def sent(self, request: ApprovalRequest, typed: QueryDict) -> Form:
        """The form as it came back. `to` names the button, where one was pressed that changes only the form."""
        ...


_subjects: dict[str, Subject] = {}
_faces: dict[str, Face] = {}


def register(kind: str, subject: Subject, face: Face | None = None) -> None:
    """Called once for each kind, when its app is ready."""
    _subjects[kind] = subject
    if face is not None:
        _faces[kind] = face


def face_of(request: ApprovalRequest) -> Face | None:
    return _faces.get(request.subject_kind)


def taken_back(kind: str, subject_ids: list[str]) -> set[str]:
    """As `Subject.taken_back`; of a kind that nobody registers any more, nothing is known."""
    known = _subjects.get(kind)
    return known.taken_back(subject_ids) if known and subject_ids else set()


def subject_of(request: ApprovalRequest) -> Subject:
    return _subjects[request.subject_kind]
