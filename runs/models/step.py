"""A step is one model turn and the tool calls it led to; model calls are the cost ledger's rows."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agentops.core import states
from agentops.core.tools import ToolResult
from runs.telling import told

from .run import Run


class Step(models.Model):
    """calling → answered | failed | abandoned (its worker died, or the run was stopped, in mid-call)."""

    class Status(models.TextChoices):
        CALLING = "calling", _("Calling the model")
        ANSWERED = "answered", _("Answered")
        FAILED = "failed", _("Failed")
        ABANDONED = "abandoned", _("Abandoned")

    class Kind(models.TextChoices):
        TURN = "turn", _("Turn")
        ASIDE = "aside", _("A person asked before deciding")
        ORDER = "order", _("A call that the model did not choose")
        PLAN = "plan", _("Plan")
        COMPACTION = "compaction", _("The conversation was shortened")
        JUDGE = "judge", _("The answer was judged")

    run = models.ForeignKey(Run, models.CASCADE, related_name="step_set")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TURN)
    status = models.CharField(max_length=10, choices=Status, default=Status.CALLING)
    fence = models.BigIntegerField()
    input = models.JSONField(help_text=_("The user message that this step adds: goal, tool results, corrections."))
    output = models.JSONField(default=list, help_text=_("The model's content blocks."))
    model = models.CharField(max_length=120, blank=True, default="")
    stop_reason = models.CharField(max_length=20, blank=True, default="")
    error = models.TextField(blank=True, default="")
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    first_token_ms = models.PositiveIntegerField(null=True)
    reminder = models.TextField(
        blank=True, default="", db_default="", help_text=_("Goal and state, told with the last message and not kept.")
    )
    context = models.JSONField(null=True, help_text=_("Tokens of the request by part, and the budget for them."))
    recovery = models.JSONField(null=True, help_text=_("The failure that this step answers: kind, time, of, detail."))
    details = models.JSONField(null=True, help_text=_("What a compaction, a judgement or a plan came to."))
    opened_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="step_number")]
        indexes = [
            models.Index(fields=["opened_at"], condition=Q(status="calling"), name="open_steps"),
        ]

    def __str__(self) -> str:
        return f"step {self.number}"


class ModelCall(models.Model):
    """One request to one provider, and what it cost."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="model_calls")
    run = models.ForeignKey(Run, models.CASCADE, related_name="model_calls")
    number = models.PositiveIntegerField()
    provider = models.CharField(max_length=60)
    model = models.CharField(max_length=120)
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    first_token_ms = models.PositiveIntegerField(null=True)
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8)
    estimated = models.BooleanField(default=False)
    price_source = models.CharField(max_length=120)
    error_kind = models.CharField(max_length=20, blank=True, default="")
    error = models.TextField(blank=True, default="")
    request_id = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["started_at"], name="model_calls_by_time")]

    def __str__(self) -> str:
        return f"{self.model}: {self.cost_usd} USD"


class ToolCall(models.Model):
    """One call that a model asked for: the row, not the model, is what is executed."""

    class Status(models.TextChoices):
        PROPOSED = states.CallStatus.PROPOSED.value, _("Proposed")
        INVALID = states.CallStatus.INVALID.value, _("Invalid")
        APPROVED = states.CallStatus.APPROVED.value, _("Approved")
        HELD = states.CallStatus.HELD.value, _("Waiting for a decision")
        REJECTED = states.CallStatus.REJECTED.value, _("Rejected")
        EXPIRED = states.CallStatus.EXPIRED.value, _("Expired")
        CANCELLED = states.CallStatus.CANCELLED.value, _("Cancelled")
        ANSWERED = states.CallStatus.ANSWERED.value, _("Answered by a person")
        DONE_BY_PERSON = states.CallStatus.DONE_BY_PERSON.value, _("Done by a person")
        EXECUTING = states.CallStatus.EXECUTING.value, _("Executing")
        SUCCEEDED = states.CallStatus.SUCCEEDED.value, _("Succeeded")
        FAILED = states.CallStatus.FAILED.value, _("Failed")
        IN_DOUBT = states.CallStatus.IN_DOUBT.value, _("In doubt")

    run = models.ForeignKey(Run, models.CASCADE, related_name="call_set")
    step = models.ForeignKey(Step, models.CASCADE, related_name="call_set")
    position = models.PositiveIntegerField()
    tool_use_id = models.CharField(max_length=120)
    tool = models.CharField(max_length=128)
    raw_arguments = models.JSONField(help_text=_("As the model wrote them."))
    arguments = models.JSONField(help_text=_("Validated, with defaults: what runs."))
    status = models.CharField(max_length=14, choices=Status)
    tier = models.CharField(max_length=8, blank=True, default="")
    effect = models.TextField(blank=True, default="")
    idempotent = models.BooleanField(default=False, help_text=_("May run again under the same key (or only reads)."))
    bound_hash = models.CharField(max_length=64, blank=True, default="")
    policy_version_id = models.BigIntegerField(null=True)
    rule = models.CharField(max_length=120, blank=True, default="")
    reason = models.TextField(blank=True, default="", help_text=_("Why this verdict, in words."))
    dispatch_at = models.DateTimeField(null=True)
    fence = models.BigIntegerField(null=True)
    proposed_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)
    result = models.JSONField(null=True, help_text=_("The envelope, whole."))
    untrusted_source = models.CharField(max_length=300, blank=True, default="")
    resolved_by_name = models.CharField(max_length=150, blank=True, default="")
    edited_by_name = models.CharField(max_length=150, blank=True, default="", help_text=_("Changed its arguments."))
    ordered_by = models.CharField(
        max_length=150, blank=True, default="", db_default="", help_text=_("Chose it in the model's place.")
    )
    undo_run = models.ForeignKey(
        Run,
        models.SET_NULL,
        null=True,
        db_index=False,
        related_name="undoing_set",
        help_text=_("The run that takes it back."),
    )
    undoes = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        db_index=False,
        related_name="undone_by",
        help_text=_("The call that it takes back."),
    )
    verified = models.JSONField(null=True, help_text=_("What the outside system said of a call in doubt, and when."))

    class Meta:
        ordering = ["step_id", "position"]
        constraints = [models.UniqueConstraint(fields=["step", "position"], name="call_position")]
        indexes = [
            models.Index(
                fields=["run"],
                name="open_calls",
                condition=Q(status__in=["approved", "held", "executing", "in_doubt"]),
            ),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="calls_by_end"),
            models.Index(fields=["run", "tool"], condition=Q(status__in=["failed", "invalid"]), name="failed_calls"),
            models.Index(fields=["tool", "-id"], condition=Q(status__in=["failed", "invalid"]), name="tool_failures"),
            models.Index(fields=["started_at"], condition=Q(status="in_doubt"), name="calls_in_doubt"),
            models.Index(fields=["undo_run"], condition=Q(undo_run__isnull=False), name="calls_being_undone"),
            models.Index(fields=["undoes"], condition=Q(undoes__isnull=False), name="undoing_calls"),
        ]

    def __str__(self) -> str:
        return f"{self.tool} ({self.status})"

    @property
    def result_text(self) -> str:
        """What the model was told."""
        return told(ToolResult(**self.result)) if self.result else ""
