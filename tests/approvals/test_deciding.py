"""One decision function: who may, what counts as a decision, and what each one leaves behind."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from agentops.accounts.models import Role
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from agentops.core.tools import Tier
from approvals.actions import close_requests, decide
from approvals.errors import AlreadyDecided
from approvals.models import ApprovalRequest, Decision

from . import factories as make
from .factories import Subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours():
    return make.team()


@pytest.fixture
def approver(ours):
    return make.person(Role.APPROVER, of=ours)


@pytest.mark.parametrize(("decision", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_a_decision_is_recorded_and_carried_out(subject: Subject, ours, approver, decision: str, status: str) -> None:
    asked = make.request(ours)
    done = decide(approver, asked.pk, decision=decision, revision=1, reason="Because.", via="page")
    assert (done.status, done.revision, done.decision_reason) == (status, 2, "Because.")
    assert done.decided_by == approver.user
    assert done.decided_by_name == approver.user.username
    assert done.decided_at is not None
    row = Decision.objects.get(request=asked)
    assert (row.revision, row.decision, row.by, row.via, row.reason) == (
        2, decision, approver.user, "page", "Because.",
    )  # fmt: skip
    assert subject.told == [(asked.subject_id, decision, status)]


@pytest.mark.parametrize("decision", ["", "yes", "Approve", "approved", "expire", "cancel", "true", "None"])
def test_an_unknown_decision_is_refused_and_changes_nothing(subject: Subject, ours, approver, decision: str) -> None:
    asked = make.request(ours)
    with pytest.raises(InvalidInput, match="approve, reject, edit, answer, done, hold, take_back") as refused:
        decide(approver, asked.pk, decision=decision, revision=1, via="api")
    assert refused.value.field == "decision"
    assert_untouched(asked, subject)


def test_none_is_no_decision(subject: Subject, ours, approver) -> None:
    asked = make.request(ours)
    with pytest.raises(InvalidInput):
        decide(approver, asked.pk, decision=None, revision=1, via="api")  # type: ignore[arg-type]
    assert_untouched(asked, subject)


@pytest.mark.parametrize("tier", [Tier.MEDIUM, Tier.HIGH, Tier.CRITICAL])
@pytest.mark.parametrize(
    ("role", "may"), [(Role.VIEWER, False), (Role.OPERATOR, False), (Role.APPROVER, True), (Role.ADMIN, True)]
)
def test_only_approvers_and_admins_decide(subject: Subject, ours, tier: Tier, role: Role, may: bool) -> None:
    asked = make.request(ours, tier)
    actor = make.person(role, of=ours)
    if may:
        assert decide(actor, asked.pk, decision="reject", revision=1, via="page").status == "rejected"
        return
    with pytest.raises(NotAllowed, match="an approver or an admin"):
        decide(actor, asked.pk, decision="reject", revision=1, via="page")
    assert_untouched(asked, subject)


def test_another_teams_request_does_not_exist(subject: Subject, ours) -> None:
    asked = make.request(ours)
    stranger = make.person(Role.ADMIN, of=make.team())
    with pytest.raises(ApprovalRequest.DoesNotExist):
        decide(stranger, asked.pk, decision="approve", revision=1, via="page")
    assert_untouched(asked, subject)


def test_a_person_who_was_deactivated_decides_nothing(subject: Subject, ours, approver) -> None:
    asked = make.request(ours)
    approver.user.is_active = False
    with pytest.raises(ApprovalRequest.DoesNotExist):
        decide(approver, asked.pk, decision="approve", revision=1, via="page")


def test_the_second_is_told_who_was_first_when_and_with_what(subject: Subject, ours, approver) -> None:
    asked = make.request(ours)
    first = decide(approver, asked.pk, decision="reject", revision=1, via="page")
    second = make.person(Role.APPROVER, of=ours)
    with pytest.raises(AlreadyDecided) as late:
        decide(second, asked.pk, decision="approve", revision=1, via="api")
    assert late.value.decided_by == approver.user.username
    assert late.value.decided_at == first.decided_at
    assert late.value.decision == "reject"
    assert subject.told == [(asked.subject_id, "reject", "rejected")]


def test_an_old_revision_is_refused(subject: Subject, ours, approver) -> None:
    asked = make.request(ours, Tier.MEDIUM)
    decide(approver, asked.pk, decision="hold", revision=1, via="page")
    with pytest.raises(AlreadyDecided, match="revision is now 2") as old:
        decide(approver, asked.pk, decision="approve", revision=1, via="page")
    assert old.value.decision == "hold"
    assert decide(approver, asked.pk, decision="approve", revision=2, via="page").status == "approved"


def test_a_revision_that_never_was_is_refused(subject: Subject, ours, approver) -> None:
    asked = make.request(ours)
    with pytest.raises(InvalidInput) as wrong:
        decide(approver, asked.pk, decision="approve", revision=7, via="page")
    assert wrong.value.field == "revision"
    assert_untouched(asked, subject)


def test_critical_is_never_approved(subject: Subject, ours, approver) -> None:
    asked = make.request(ours, Tier.CRITICAL)
    with pytest.raises(InvalidInput, match="never executed by the agent"):
        decide(approver, asked.pk, decision="approve", revision=1, via="page")
    assert_untouched(asked, subject)


def test_critical_is_not_approved_by_hand_in_the_database_either(subject: Subject, ours) -> None:
    asked = make.request(ours, Tier.CRITICAL)
    with pytest.raises(IntegrityError, match="critical_is_never_approved"), transaction.atomic():
        ApprovalRequest.objects.filter(pk=asked.pk).update(status="approved", decided_at=asked.created_at)


def test_critical_is_done_by_a_person_who_reports_the_outcome(subject: Subject, ours, approver) -> None:
    asked = make.request(ours, Tier.CRITICAL)
    with pytest.raises(InvalidInput) as missing:
        decide(approver, asked.pk, decision="done", revision=1, outcome="  \n", via="page")
    assert missing.value.field == "outcome"
    done = decide(approver, asked.pk, decision="done", revision=1, outcome="Deleted in the CRM.", via="page")
    assert (done.status, done.outcome) == ("done", "Deleted in the CRM.")


@pytest.mark.parametrize("tier", [Tier.MEDIUM, Tier.HIGH])
def test_only_critical_is_done_by_a_person(subject: Subject, ours, approver, tier: Tier) -> None:
    asked = make.request(ours, tier)
    with pytest.raises(InvalidInput):
        decide(approver, asked.pk, decision="done", revision=1, outcome="Did it.", via="page")
    assert_untouched(asked, subject)


@pytest.mark.parametrize(
    "text", ["nul \x00", "bell \x07", "turned \u202e round", "isolated \u2066", "half \ud800", "x" * 4_001]
)
@pytest.mark.parametrize("field", ["reason", "outcome"])
def test_text_that_misleads_or_floods_is_refused(subject: Subject, ours, approver, text: str, field: str) -> None:
    asked = make.request(ours, Tier.CRITICAL)
    with pytest.raises(InvalidInput) as refused:
        decide(approver, asked.pk, decision="done", revision=1, via="page", **{"outcome": "Did it.", field: text})
    assert refused.value.field == field
    assert_untouched(asked, subject)


def test_reasons_keep_their_lines_and_their_script(subject: Subject, ours, approver) -> None:
    asked = make.request(ours)
    reason = "می\u200cخواهم نه\r\n👩\u200d💻"
    done = decide(approver, asked.pk, decision="reject", revision=1, reason=reason, via="page")
    assert done.decision_reason == reason.replace("\r\n", "\n")


def test_hold_stops_the_countdown_and_decides_nothing(subject: Subject, ours, approver) -> None:
    asked = make.request(ours, Tier.MEDIUM)
    held = decide(approver, asked.pk, decision="hold", revision=1, via="page")
    assert (held.status, held.decide_at, held.on_deadline, held.revision) == ("pending", None, "", 2)
    assert held.decided_at is None
    assert subject.told == [(asked.subject_id, "hold", "pending")]


def test_there_is_nothing_to_hold_without_a_countdown(subject: Subject, ours, approver) -> None:
    asked = make.request(ours, Tier.HIGH)
    with pytest.raises(InvalidInput, match="no countdown"):
        decide(approver, asked.pk, decision="hold", revision=1, via="page")
    assert_untouched(asked, subject)


def test_when_the_subject_refuses_nothing_was_decided(subject: Subject, ours, approver) -> None:
    """The call changed between the question and the answer."""
    asked = make.request(ours)
    subject.refusal = Conflict("The call is no longer what was shown.")
    with pytest.raises(Conflict, match="no longer"):
        decide(approver, asked.pk, decision="approve", revision=1, via="page")
    assert_untouched(asked, subject)


def test_rejecting_one_leaves_its_siblings_alone(subject: Subject, ours, approver) -> None:
    one, other = make.request(ours), make.request(ours)
    decide(approver, other.pk, decision="approve", revision=1, via="page")
    decide(approver, one.pk, decision="reject", revision=1, via="page")
    assert [told[:2] for told in subject.told] == [(other.subject_id, "approve"), (one.subject_id, "reject")]
    other.refresh_from_db()
    assert other.status == "approved"


def test_a_closed_request_says_that_it_was_cancelled_and_why(subject: Subject, ours, approver) -> None:
    asked, other = make.request(ours), make.request(ours)
    assert close_requests(make.KIND, [asked.subject_id], "Ada cancelled the run.") == 1
    asked.refresh_from_db()
    assert (asked.status, asked.decided_via, asked.decision_reason) == (
        "cancelled", "system", "Ada cancelled the run.",
    )  # fmt: skip
    assert close_requests(make.KIND, [asked.subject_id], "Again.") == 0
    with pytest.raises(AlreadyDecided) as late:
        decide(approver, asked.pk, decision="approve", revision=1, via="page")
    assert (late.value.decision, late.value.decided_by) == ("cancel", "the system")
    other.refresh_from_db()
    assert other.status == "pending"


def test_what_was_decided_cannot_be_rewritten(subject: Subject, ours, approver) -> None:
    asked = make.request(ours)
    decide(approver, asked.pk, decision="reject", revision=1, via="page")
    for rewrite in (
        lambda: ApprovalRequest.objects.filter(pk=asked.pk).update(status="approved"),
        lambda: Decision.objects.filter(request=asked).update(decision="approve"),
    ):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            rewrite()


def test_the_record_outlives_the_person(subject: Subject, ours, approver) -> None:
    asked = make.request(ours)
    name = approver.user.username
    decide(approver, asked.pk, decision="reject", revision=1, via="page")
    approver.user.delete()
    asked.refresh_from_db()
    assert (asked.decided_by, asked.decided_by_name) == (None, name)
    assert asked.history.get().by_name == name


def test_a_subject_has_one_pending_request_at_a_time(subject: Subject, ours) -> None:
    make.request(ours, subject_id="one")
    with pytest.raises(IntegrityError, match="one_pending_request"), transaction.atomic():
        make.request(ours, subject_id="one")


def assert_untouched(asked: ApprovalRequest, subject: Subject) -> None:
    now = ApprovalRequest.objects.get(pk=asked.pk)
    assert (now.status, now.revision, now.decide_at) == ("pending", 1, asked.decide_at)
    assert not now.history.exists()
    assert subject.told == []
