"""One action that waits for a decision, and the order in which people meet those that wait."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.db.models.functions import Left, Now
from django.utils.translation import gettext_lazy as _

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team
from agentops.core import tools as core

from .policy import PolicyVersion, Tier

SOON = timedelta(minutes=2)
"""A countdown with less than this left comes before everything else."""


class RequestQuerySet(models.QuerySet["ApprovalRequest"]):
    def visible_to(self, actor: Actor) -> RequestQuerySet:
        teams = actor.teams_with(Right.VIEW)
        return self if teams is None else self.filter(team_id__in=teams)

    def pending(self) -> RequestQuerySet:
        return self.filter(status=ApprovalRequest.Status.PENDING)

    def by_consequence(self) -> RequestQuerySet:
        """Countdowns about to end, then tier (a question blocks its run as high does), then age."""
        soon = models.Case(
            models.When(decide_at__lt=Now() + SOON, then="decide_at"), output_field=models.DateTimeField(null=True)
        )
        tiers = [models.When(tier=tier.value, then=models.Value(-tier.rank)) for tier in core.Tier]
        tiers.insert(0, models.When(wants="answer", then=models.Value(-core.Tier.HIGH.rank)))
        return self.annotate(ends_soon=soon, weight=models.Case(*tiers, default=0)).order_by(
            models.F("ends_soon").asc(nulls_last=True), "weight", "created_at", "id"
        )


class ApprovalRequest(models.Model):
    """One action that waits for a decision: a snapshot of exactly what would happen, and what became of it.

    pending → approved (person, timer) | rejected | expired | cancelled | answered (a person in the tool's place)
    | done (critical: a person did it and says what came of it); approved → pending (taken back in time)
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")
        ANSWERED = "answered", _("Answered by a person")
        DONE = "done", _("Done by a person")

    class Wants(models.TextChoices):
        DECISION = "decision", _("a decision")
        ANSWER = "answer", _("an answer")

    class Via(models.TextChoices):
        PAGE = "page", _("page")
        API = "api", _("API")
        TIMER = "timer", _("timer")
        SYSTEM = "system", _("system")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, models.PROTECT, related_name="approval_requests")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    revision = models.PositiveIntegerField(default=1)

    wants = models.CharField(max_length=8, choices=Wants, default=Wants.DECISION)
    tier = models.CharField(max_length=8, choices=Tier)
    tool = models.CharField(max_length=128)
    arguments = models.JSONField()
    input_schema = models.JSONField(null=True, blank=True, help_text=_("The tool's, for editing the arguments."))
    effect = models.TextField()
    bound_hash = models.CharField(max_length=64, help_text=_("SHA-256 over arguments, tool schema and effect."))
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")
    rule = models.CharField(
        max_length=120, blank=True, help_text=_("The rule that matched; empty: the tool's own tier.")
    )
    rule_error = models.TextField(blank=True)
    reason = models.TextField(blank=True, help_text=_("Why it is here, in words."))
    tainted_by = models.CharField(max_length=300, blank=True)

    subject_kind = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=64)
    context = models.JSONField(default=dict, help_text=_("What the approver may want to know: run, agent, goal, step."))
    agent = models.CharField(max_length=80, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    decide_at = models.DateTimeField(null=True, blank=True)
    on_deadline = models.CharField(max_length=8, blank=True)
    frozen_for = models.DurationField(
        null=True, blank=True, help_text=_("What was left of the countdown when its run was paused.")
    )

    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_by_name = models.CharField(max_length=150, blank=True, help_text=_("Kept when the person is deleted."))
    decided_via = models.CharField(max_length=8, choices=Via, blank=True)
    decision_reason = models.TextField(blank=True)
    outcome = models.TextField(blank=True, help_text=_("What the person reports or answers, given to the agent."))
    takes_effect_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Until then an approval may be taken back.")
    )

    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    claimed_by_name = models.CharField(max_length=150, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)

    words = models.GeneratedField(
        expression=models.Func(
            Left("effect", 10_000),
            "tool",
            "agent",
            "decided_by_name",
            Left("decision_reason", 2_000),
            template="to_tsvector('simple', translate(%(expressions)s, '-_@./:+~&=?<>#''\\\"', repeat(' ', 17)))",
            arg_joiner=" || ' ' || ",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    """For search of what was decided; signs that would glue words together are spaces (`pages/search.py`)."""

    objects = RequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id"],
                condition=Q(status="pending"),
                name="one_pending_request_a_subject",
            ),
            models.CheckConstraint(condition=~Q(tier="critical", status="approved"), name="critical_is_never_approved"),
            models.CheckConstraint(
                condition=Q(status="pending", decided_at=None) | (~Q(status="pending") & Q(decided_at__isnull=False)),
                name="decided_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(on_deadline="approve") | Q(tier="medium"), name="only_medium_approves_itself"
            ),
        ]
        indexes = [
            models.Index(fields=["team", "decide_at"], condition=Q(status="pending"), name="pending_by_team"),
            models.Index(fields=["decide_at"], condition=Q(status="pending", decide_at__isnull=False), name="timers"),
            models.Index(fields=["team", "-decided_at"], condition=~Q(status="pending"), name="decided_by_team"),
            models.Index(fields=["-decided_at", "-id"], condition=~Q(status="pending"), name="decided_by_time"),
            models.Index(
                fields=["team", "tool", "agent", "-decided_at"], condition=~Q(status="pending"), name="precedents"
            ),
            GinIndex(fields=["words"], name="words_of_requests"),
            models.Index(fields=["subject_kind", "subject_id"], name="request_subject"),
            models.Index(KT("context__run_id"), name="requests_by_run"),
        ]

    def __str__(self) -> str:
        return self.effect
