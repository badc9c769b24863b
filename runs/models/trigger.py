"""What starts runs by itself: schedules by the clock, webhooks by word from outside; and what each firing came to."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team

from .agent import Agent
from .run import Run


class TriggerQuerySet(models.QuerySet["Trigger"]):
    def visible_to(self, actor: Actor, right: Right = Right.VIEW) -> TriggerQuerySet:
        teams = actor.teams_with(right)
        return self if teams is None else self.filter(team_id__in=teams)


class Trigger(models.Model):
    """Runs that it starts are started in the name of `owner`, with the rights that person has at that moment."""

    class Kind(models.TextChoices):
        SCHEDULE = "schedule", _("Schedule")
        WEBHOOK = "webhook", _("Webhook")

    class Missed(models.TextChoices):
        SKIP = "skip", _("Leave it out")
        ONCE = "once", _("Start one run for all that were missed")
        ALL = "all", _("Start every run that was missed, up to 24")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, models.PROTECT, related_name="triggers")
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=120)
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="triggers")
    goal = models.TextField()
    inputs = models.JSONField(default=dict)
    limits = models.JSONField(default=dict)
    priority = models.SmallIntegerField(choices=Run.Priority, default=Run.Priority.NORMAL)
    active = models.BooleanField(default=True)
    overlap = models.BooleanField(default=False, help_text=_("Start a run while the last one has not ended."))
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    owner_name = models.CharField(max_length=150, blank=True, default="")

    cron = models.CharField(max_length=120, blank=True, default="")
    timezone = models.CharField(max_length=64, blank=True, default="")
    missed = models.CharField(max_length=4, choices=Missed, default=Missed.ONCE)
    next_at = models.DateTimeField(null=True)

    mapping = models.JSONField(default=dict, help_text=_("Input name to where its value stands in the body."))
    secret_number = models.PositiveIntegerField(default=1, help_text=_("Raised when the secret is replaced."))

    created_at = models.DateTimeField(auto_now_add=True)

    objects = TriggerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="trigger_name_in_team")]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(active=True, next_at__isnull=False), name="triggers_due")
        ]

    def __str__(self) -> str:
        return self.name


class Firing(models.Model):
    """One time that a trigger fired; `key` makes it happen once: the due time, or the delivery's own number."""

    class Result(models.TextChoices):
        STARTED = "started", _("Started a run")
        SKIPPED = "skipped", _("Left out")
        REFUSED = "refused", _("Refused")

    trigger = models.ForeignKey(Trigger, models.CASCADE, related_name="firings")
    key = models.CharField(max_length=200)
    result = models.CharField(max_length=8, choices=Result)
    reason = models.TextField(blank=True, default="")
    run = models.ForeignKey(Run, models.SET_NULL, null=True, db_index=False, related_name="fired_by")
    test = models.BooleanField(default=False)
    by_name = models.CharField(max_length=150, blank=True, default="")
    due_at = models.DateTimeField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["trigger", "key"], name="fires_once")]
        indexes = [
            models.Index(fields=["run"], condition=Q(run__isnull=False), name="firing_of_run"),
            models.Index(fields=["trigger", "-at", "-id"], name="firings_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.trigger} at {self.at}"

    @property
    def delivery(self) -> str:
        """The sender's number of a delivery; a digest where it gave none."""
        return self.key.partition(":")[2]
