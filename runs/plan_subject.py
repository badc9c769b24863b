"""A plan as what an approval is about: a person lets a run begin its plan, changes it first, or sends it back."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from agentops.core.errors import Conflict, InvalidInput
from agentops.core.states import WaitingOn
from agentops.engine.plan_faults import PlanRefused
from approvals.models import ApprovalRequest, Decision, Inquiry
from approvals.subjects import Amendment

from . import plan_review, subject
from .models import Plan, Run

KIND = plan_review.KIND


class PlanSubject:
    """Implements `approvals.subjects.Subject`. The worker begins an approved plan, once it can not be taken back."""

    def lock(self, subject_id: str) -> None:
        list(Run.objects.select_for_update(of=("self",)).filter(plans__pk=int(subject_id)).values_list("pk"))

    def amend(self, request: ApprovalRequest, arguments: dict[str, Any]) -> Amendment:
        """A person's plan keeps the same rules as a model's."""
        plan = Plan.objects.select_related("run__version").get(pk=int(request.subject_id))
        try:
            steps = plan_review.checked(plan.run, plan, arguments)
        except PlanRefused as refused:
            raise InvalidInput(str(refused), "arguments") from refused
        changed, effect = plan_review.arguments_of(steps), plan_review.effect_of(steps)
        return Amendment(changed, effect, plan_review.bind(changed, effect))

    def on_decided(self, request: ApprovalRequest, decision: Decision) -> None:
        """Raises Conflict when the plan waits for nobody any more."""
        if decision.decision == "hold":
            return
        plan = Plan.objects.select_related("run").get(pk=int(request.subject_id))
        if plan.status != Plan.Status.IN_REVIEW:
            raise Conflict(
                _("The plan is %(status)s and waits for no decision any more.")
                % {"status": plan.get_status_display().lower()}
            )
        by = decision.by_name or _("the system")
        if decision.decision in ("approve", "edit", "take_back"):
            # Its status stays until it begins: up to then the approval may be taken back.
            data = {"plan": plan.number, "decision": decision.decision, "by": by}
            at = request.takes_effect_at if decision.decision != "take_back" else None
            subject.wake(plan.run, [("plan.changed", data)], (WaitingOn.APPROVAL,), at=at)
            return
        Plan.objects.filter(pk=plan.pk).update(status=Plan.Status.REJECTED)
        data = {"plan": plan.number, "status": Plan.Status.REJECTED.value, "by": by}
        subject.wake(plan.run, [("plan.changed", data)], (WaitingOn.APPROVAL,))

    def taken_back(self, subject_ids: list[str]) -> set[str]:
        """A plan is not undone: what its steps did is, call by call."""
        return set()

    def on_asked(self, inquiry: Inquiry) -> None:
        """The run wakes, answers beside its conversation, and waits again."""
        plan = Plan.objects.select_related("run").get(pk=int(inquiry.request.subject_id))
        person = {"by": inquiry.asked_by_name, "action": "asked the agent", "note": inquiry.question}
        subject.wake(plan.run, [("person.acted", person)], (WaitingOn.APPROVAL,))
