"""Figures by the hour, so that pages need not add up millions of rows. `runs.rollup` fills them; nobody else writes."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team


class FigureQuerySet(models.QuerySet["models.Model"]):
    def visible_to(self, actor: Actor) -> FigureQuerySet:
        teams = actor.teams_with(Right.VIEW)
        return self if teams is None else self.filter(team_id__in=teams)


class Spend(models.Model):
    """What model calls cost, by who and what caused them. Tokens of input include those of the cache."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    agent = models.CharField(max_length=80)
    model = models.CharField(max_length=120)
    started_by = models.CharField(max_length=150)
    price_source = models.CharField(max_length=120)
    calls = models.BigIntegerField(default=0)
    failed_attempts = models.BigIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=18, decimal_places=8, default=0)
    estimated_usd = models.DecimalField(max_digits=18, decimal_places=8, default=0)
    saved_usd = models.DecimalField(max_digits=18, decimal_places=8, default=0)
    """Cache reads and writes against the same tokens at the price of plain input."""

    objects = FigureQuerySet.as_manager()

    class Meta:
        abstract = True


class HourlySpend(Spend):
    """By the hour in which a call began."""

    hour = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["hour", "team"], name="spend_by_hour")]

    def __str__(self) -> str:
        return f"{self.agent}, {self.model}: {self.cost_usd} USD"


class DailySpend(Spend):
    """The same by day, in the installation's time zone, for ranges of months."""

    day = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["day", "team"], name="spend_by_day")]

    def __str__(self) -> str:
        return f"{self.agent}, {self.model}: {self.cost_usd} USD"


class HourlyRuns(models.Model):
    """How runs went: `started` by the hour of their making, all else by the hour of their end."""

    hour = models.DateTimeField()
    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    agent = models.CharField(max_length=80)
    started = models.BigIntegerField(default=0)
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    completed = models.BigIntegerField(default=0, db_default=0)
    """Met the success criteria of its agent; runs of agents without any are in neither of these."""
    not_completed = models.BigIntegerField(default=0, db_default=0)
    missed = models.BigIntegerField(default=0, db_default=0)
    """Of the succeeded ones, those that are not completed: they answered, and it was not good enough."""
    steps = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=18, decimal_places=8, default=0)
    active_ms = models.BigIntegerField(default=0)
    durations = ArrayField(models.BigIntegerField())
    """Working time of ended runs, counted in the buckets of `runs.figures`."""

    objects = FigureQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["hour", "team"], name="runs_by_hour")]

    def __str__(self) -> str:
        return f"{self.agent}: {self.succeeded} succeeded, {self.failed} failed"


class HourlyTools(models.Model):
    """How tool calls went, by the hour of their end. A call that failed and is tried again is not a first try."""

    hour = models.DateTimeField()
    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    tool = models.CharField(max_length=128)
    calls = models.BigIntegerField(default=0)
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    first_tries = models.BigIntegerField(default=0)
    first_succeeded = models.BigIntegerField(default=0)
    durations = ArrayField(models.BigIntegerField())
    """Of those that ran, counted in the buckets of `runs.figures`."""

    objects = FigureQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["hour", "team"], name="tools_by_hour")]

    def __str__(self) -> str:
        return f"{self.tool}: {self.calls}"


class HourlyDecisions(models.Model):
    """What people decided, by the hour in which they did, and how long it had waited."""

    hour = models.DateTimeField()
    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    decided = models.BigIntegerField(default=0)
    rule_errors = models.BigIntegerField(default=0)
    waited_ms = models.BigIntegerField(default=0)

    objects = FigureQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["hour", "team"], name="decisions_by_hour")]

    def __str__(self) -> str:
        return f"{self.decided} decided"


class FiguresClock(models.Model):
    """One row: up to when the figures are made, and how long the last round took."""

    ONLY = 1

    covered_until = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"covered until {self.covered_until}"


class StaleHour(models.Model):
    """An hour whose rows changed after it was over. Triggers write these, several an hour if need be."""

    hour = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.hour)
