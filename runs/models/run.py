"""A run: one goal given to one agent, its state, its limits, its counters, and the numbered events of its life."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team
from agentops.core import states

from .agent import Agent, AgentVersion

FINAL = sorted(str(status) for status in states.RUN_FINAL)


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, actor: Actor) -> RunQuerySet:
        teams = actor.teams_with(Right.VIEW)
        return self if teams is None else self.filter(team_id__in=teams)

    def live(self) -> RunQuerySet:
        return self.exclude(status__in=FINAL)


class Run(models.Model):
    """`wake_at` is a run's one clock: when a queued or waiting run wants a worker, when a running one's lease ends.

    Null means that nothing but a person (or an answer, a child, a release) moves it.
    """

    class Status(models.TextChoices):
        QUEUED = states.RunStatus.QUEUED.value, _("Queued")
        RUNNING = states.RunStatus.RUNNING.value, _("Running")
        WAITING = states.RunStatus.WAITING.value, _("Waiting")
        PAUSED = states.RunStatus.PAUSED.value, _("Paused")
        SUCCEEDED = states.RunStatus.SUCCEEDED.value, _("Succeeded")
        FAILED = states.RunStatus.FAILED.value, _("Failed")
        CANCELLED = states.RunStatus.CANCELLED.value, _("Cancelled")

    class WaitingOn(models.TextChoices):
        APPROVAL = states.WaitingOn.APPROVAL.value, _("an approval")
        ANSWER = states.WaitingOn.ANSWER.value, _("an answer")
        CHILD = states.WaitingOn.CHILD.value, _("another run")
        BUDGET = states.WaitingOn.BUDGET.value, _("budget")
        RATE = states.WaitingOn.RATE.value, _("a rate limit")
        BACKOFF = states.WaitingOn.BACKOFF.value, _("the next try")
        IN_DOUBT = states.WaitingOn.IN_DOUBT.value, _("word on what happened")

    FINAL = FINAL

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, models.PROTECT, related_name="runs")
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="runs")
    agent_name = models.CharField(max_length=80)
    version = models.ForeignKey(AgentVersion, models.SET_NULL, null=True, related_name="runs")
    goal = models.TextField()
    inputs = models.JSONField(default=dict)

    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    waiting_on = models.CharField(max_length=10, choices=WaitingOn, blank=True, default="")
    waiting_since = models.DateTimeField(null=True)
    stop_reason = models.CharField(max_length=20, blank=True, default="")
    stop_detail = models.TextField(blank=True, default="")
    answer = models.TextField(blank=True, default="")
    tainted_by = models.CharField(max_length=300, blank=True, default="")
    pause_requested = models.BooleanField(default=False)

    unread = models.PositiveIntegerField(default=0, help_text=_("Messages that no step has read yet."))

    seq = models.BigIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    wake_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, blank=True, default="")
    hinted_at = models.DateTimeField(null=True, help_text=_("When the sweep last asked for a worker."))
    poked = models.BooleanField(default=False, help_text=_("Something was decided while a worker held it."))
    recoveries = models.PositiveIntegerField(default=0, help_text=_("How often the open step was tried and given up."))

    max_steps = models.PositiveIntegerField()
    max_tool_calls = models.PositiveIntegerField()
    max_tokens = models.PositiveBigIntegerField()
    max_cost_usd = models.DecimalField(max_digits=14, decimal_places=8)
    max_seconds = models.PositiveIntegerField()

    steps = models.PositiveIntegerField(default=0)
    tool_calls = models.PositiveIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    active_ms = models.BigIntegerField(default=0, help_text=_("Working time up to the last commit; waiting left out."))

    held_usd = models.DecimalField(
        max_digits=14, decimal_places=8, default=0, help_text=_("Reserved for the open step.")
    )
    slice_drawn = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    slice_spent = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    slice_accounts = ArrayField(models.BigIntegerField(), default=list)

    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="runs")
    started_by_name = models.CharField(max_length=150, blank=True)
    started_via = models.CharField(max_length=10, default="page")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="runs_to_wake"),
            models.Index(fields=["-created_at", "-id"], name="runs_by_time"),
            models.Index(fields=["team", "-created_at", "-id"], name="runs_by_team"),
            models.Index(fields=["team", "status", "-created_at", "-id"], name="runs_by_status"),
            models.Index(fields=["status"], condition=~Q(status__in=FINAL), name="live_runs"),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="runs_by_end"),
            # None of a column that a step changes: it would end the cheap updates in place (HOT).
            models.Index(fields=["agent", "-created_at", "-id"], name="runs_by_agent"),
            models.Index(fields=["started_by_name", "-created_at", "-id"], name="runs_by_person"),
            models.Index(fields=["started_via", "-created_at", "-id"], name="runs_by_way"),
            models.Index(fields=["-created_at", "-id"], condition=~Q(tainted_by=""), name="tainted_runs"),
            models.Index(fields=["agent", "-ended_at"], condition=Q(status="succeeded"), name="succeeded_by_agent"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="waiting") & ~Q(waiting_on="") | ~Q(status="waiting") & Q(waiting_on=""),
                name="waiting_says_on_what",
            ),
            models.CheckConstraint(
                condition=Q(status__in=FINAL, ended_at__isnull=False) | ~Q(status__in=FINAL) & Q(ended_at=None),
                name="ended_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(slice_spent__gte=0, held_usd__gte=0, slice_drawn__gte=0), name="no_debt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent_name}: {self.goal[:60]}"

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


class Event(models.Model):
    """What happened in a run, numbered without gaps. `data` says what changed, not the whole of it."""

    pk = models.CompositePrimaryKey("run_id", "seq")
    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ["seq"]
        indexes = [
            models.Index(
                fields=["run", "seq"],
                condition=Q(kind__in=["person.acted", "run.recovered"]),
                name="events_of_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class IdempotencyKey(models.Model):
    """The first answer to a creating POST, so that a repeat gets the same run and a changed body is refused."""

    principal = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    body_hash = models.CharField(max_length=64)
    run = models.ForeignKey(Run, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
