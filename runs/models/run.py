"""A run: one goal given to one agent, its state, its limits, its counters, and the numbered events of its life."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
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


def _link(to: str, related_name: str, *, help_text: Any = "") -> models.ForeignKey:
    """To another row of few runs: indexed only where there is one."""
    return models.ForeignKey(
        to, models.SET_NULL, null=True, related_name=related_name, db_index=False, help_text=help_text
    )


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

    class Priority(models.IntegerChoices):
        LOW = -1, _("Low")
        NORMAL = 0, _("Normal")
        HIGH = 1, _("High")

    class Outcome(models.TextChoices):
        """A run that ended is not yet a task completed."""

        COMPLETED = "completed", _("Completed")
        NOT_COMPLETED = "not_completed", _("Not completed")

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

    priority = models.SmallIntegerField(
        choices=Priority, default=Priority.NORMAL, db_default=0, help_text=_("Within its team: the higher goes first.")
    )
    needs = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text=_("The oldest worker protocol that can carry it.")
    )
    parent = _link("self", "children", help_text=_("The run that waits for this one's result."))
    parent_call = _link("ToolCall", "child_set", help_text=_("The call that delegated it."))
    plan_step = _link("PlanStep", "runs", help_text=_("The step of its parent's plan that it carries out."))
    depth = models.PositiveSmallIntegerField(default=0, db_default=0)
    reported = models.BooleanField(
        default=False, db_default=False, help_text=_("Its parent was woken after it had ended.")
    )
    only_tools = models.JSONField(null=True, help_text=_("The part of its agent's tools that it may use; null: all."))
    answer_schema = models.JSONField(null=True, help_text=_("What its answer must be, in place of its agent's own."))
    forked_from = _link("self", "forks", help_text=_("Whose steps before `forked_step` are its history too."))
    forked_step = models.PositiveIntegerField(null=True)
    fork_words = models.TextField(blank=True, default="", db_default="", help_text=_("Said at the fork."))
    undoes = _link("self", "undone_by", help_text=_("The run whose actions it takes back."))
    orders = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text=_("Calls that somebody but the model chose, to be made next."),
    )
    taken_over_by = models.CharField(max_length=150, blank=True, default="", db_default="")
    outcome = models.CharField(
        max_length=14,
        choices=Outcome,
        blank=True,
        default="",
        db_default="",
        help_text=_("Whether the answer met the success criteria; empty where there are none."),
    )
    outcome_detail = models.TextField(blank=True, default="", db_default="")
    answer_data = models.JSONField(null=True, help_text=_("The answer as the schema has it."))

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
            models.Index(fields=["parent", "created_at"], condition=Q(parent__isnull=False), name="children"),
            models.Index(fields=["plan_step"], condition=Q(plan_step__isnull=False), name="runs_of_plan_steps"),
            models.Index(fields=["forked_from"], condition=Q(forked_from__isnull=False), name="forks"),
            models.Index(fields=["undoes"], condition=Q(undoes__isnull=False), name="undoing"),
            models.Index(
                fields=["parent"],
                condition=Q(parent__isnull=False, reported=False, ended_at__isnull=False),
                name="unreported_children",
            ),
            # 0 stands for an agent that was deleted: `runs/fairness.py` goes from one agent to the next by comparing.
            models.Index(
                "team",
                Coalesce("agent", models.Value(0, models.BigIntegerField())),
                "priority",
                "wake_at",
                condition=Q(wake_at__isnull=False),
                name="runs_in_fair_order",
            ),
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
            models.UniqueConstraint(
                fields=["parent_call"], condition=Q(parent_call__isnull=False), name="one_child_a_call"
            ),
            models.UniqueConstraint(
                fields=["plan_step"],
                condition=Q(plan_step__isnull=False) & ~Q(status__in=FINAL),
                name="one_living_run_a_plan_step",
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
