"""A plan: the graph of steps that a run works through, each carried out by a run of its own."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .run import Run
from .step import Step


class Plan(models.Model):
    """in_review → approved → done | superseded; an unreviewed plan begins approved. One plan of a run is current."""

    class Status(models.TextChoices):
        IN_REVIEW = "in_review", _("Waiting for a person")
        APPROVED = "approved", _("Under way")
        DONE = "done", _("Done")
        SUPERSEDED = "superseded", _("Replaced")
        REJECTED = "rejected", _("Rejected")

    CURRENT = (Status.IN_REVIEW, Status.APPROVED)

    run = models.ForeignKey(Run, models.CASCADE, related_name="plans")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status)
    made_in = models.ForeignKey(Step, models.SET_NULL, null=True, related_name="+")
    edited_by_name = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["run", "number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="plan_number"),
            models.UniqueConstraint(
                fields=["run"], condition=Q(status__in=["in_review", "approved"]), name="one_current_plan"
            ),
        ]

    def __str__(self) -> str:
        return f"plan {self.number}"


class PlanStep(models.Model):
    """pending → running → done | failed; pending → skipped; failed → running (another try) | skipped."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Not begun")
        RUNNING = "running", _("Under way")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    key = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    instruction = models.TextField()
    tools = models.JSONField(default=list)
    after = models.JSONField(default=list, help_text=_("Keys of the steps whose results it needs."))
    max_tool_calls = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    tries = models.PositiveIntegerField(default=0)
    result = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["plan", "position"]
        constraints = [models.UniqueConstraint(fields=["plan", "key"], name="plan_step_key")]

    def __str__(self) -> str:
        return self.title
