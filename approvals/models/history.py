"""What was done to a request and asked about it; and when countdowns were last looked at."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .request import ApprovalRequest


class Decision(models.Model):
    """Append-only: each thing somebody or something did to a request, in order."""

    request = models.ForeignKey(ApprovalRequest, models.CASCADE, related_name="history")
    revision = models.PositiveIntegerField()
    decision = models.CharField(max_length=10)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    by_name = models.CharField(max_length=150, blank=True)
    via = models.CharField(max_length=8, choices=ApprovalRequest.Via)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, help_text=_("Of an edit: the arguments and effect before."))
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["revision"]
        constraints = [models.UniqueConstraint(fields=["request", "revision"], name="one_decision_a_revision")]

    def __str__(self) -> str:
        return f"{self.decision} by {self.by_name or self.via}"


class InquiryQuerySet(models.QuerySet["Inquiry"]):
    def open_about(self, subject_kind: str, subject_ids: list[str]) -> InquiryQuerySet:
        """Those that wait for the agent's answer, about requests that are still pending."""
        pending = Q(request__subject_kind=subject_kind, request__subject_id__in=subject_ids, request__status="pending")
        return self.filter(pending, answered_at=None).select_related("request")


class Inquiry(models.Model):
    """What a person asks the agent before deciding; the action stays held, and the answer comes as words."""

    request = models.ForeignKey(ApprovalRequest, models.CASCADE, related_name="inquiries")
    question = models.TextField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    asked_by_name = models.CharField(max_length=150)
    asked_at = models.DateTimeField(auto_now_add=True)
    answer = models.TextField(blank=True)
    problem = models.TextField(blank=True, help_text=_("Why there is no answer."))
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = InquiryQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "inquiries"

    def __str__(self) -> str:
        return self.question[:60]


class SweepClock(models.Model):
    """One row: when countdowns were last looked at, by the database's clock. It tells a downtime."""

    ONLY = 1

    swept_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"swept at {self.swept_at}"
