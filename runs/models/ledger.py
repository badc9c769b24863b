"""Budgets are rows: what may be spent in a period, what is spent, and what is held for steps under way. In USD."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from agentops.accounts.models import Team

from .agent import Agent


class Budget(models.Model):
    """A limit per day or month: for everything (no team), for a team, or for one agent or one person in a team."""

    class Period(models.TextChoices):
        DAY = "day", _("a day")
        MONTH = "month", _("a month")

    team = models.ForeignKey(
        Team, models.CASCADE, null=True, blank=True, related_name="budgets", help_text=_("Empty: everything.")
    )
    agent = models.ForeignKey(
        Agent, models.CASCADE, null=True, blank=True, related_name="budgets", help_text=_("Empty: every agent.")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="budgets",
        verbose_name=_("person"),
        help_text=_("Empty: whoever starts a run."),
    )
    period = models.CharField(max_length=5, choices=Period)
    limit_usd = models.DecimalField(
        _("limit in USD"), max_digits=14, decimal_places=2, validators=[MinValueValidator(0)]
    )
    warn_percent = models.PositiveSmallIntegerField(
        default=90, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )

    stored: Mapping[str, Any] = MappingProxyType({})

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "agent", "user", "period"], name="one_budget_a_scope", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(agent=None, user=None)
                | models.Q(team__isnull=False, agent=None)
                | models.Q(team__isnull=False, user=None),
                name="agent_or_person_in_a_team",
            ),
            models.CheckConstraint(condition=models.Q(limit_usd__gte=0), name="limit_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.scope}, {self.limit_usd} USD {self.get_period_display()}"

    @classmethod
    def from_db(cls, *row: Any) -> Budget:
        made = super().from_db(*row)
        made.remember()
        return made

    def refresh_from_db(self, *which: Any, **options: Any) -> None:
        super().refresh_from_db(*which, **options)
        self.remember()

    def remember(self) -> None:
        """What is stored, to tell later what was changed since. Without it a change would undo somebody else's."""
        names = {field.attname for field in self._meta.concrete_fields}
        self.stored = {name: value for name, value in self.__dict__.items() if name in names}

    @property
    def scope(self) -> str:
        """Whom it binds, in words."""
        if self.team is None:
            return _("Everything")
        part = self.agent or self.user
        return f"{part} ({self.team})" if part else str(self.team)


class BudgetChange(models.Model):
    """Append-only: who set, changed or deleted which budget. Names stay when what they name is deleted."""

    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")
    everything = models.BooleanField(help_text=_("Of the budget for everything, which all may see."))
    scope = models.CharField(max_length=300)
    period = models.CharField(max_length=5, choices=Budget.Period)
    before_usd = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    after_usd = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.scope}: {self.before_usd} → {self.after_usd}"


class Account(models.Model):
    """One period of one budget. `spent + held` never exceeds the limit by a reservation."""

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="accounts")
    starts_on = models.DateField()
    spent = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    held = models.DecimalField(max_digits=16, decimal_places=8, default=0, help_text=_("Slices that runs have drawn."))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["budget", "starts_on"], name="one_account_a_period"),
            models.CheckConstraint(condition=models.Q(spent__gte=0, held__gte=0), name="account_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.budget} from {self.starts_on}"


class ModelPrice(models.Model):
    """An admin's own price for a model, in USD per million tokens, in place of the published one."""

    model = models.CharField(max_length=120, unique=True)
    input_usd = models.DecimalField(max_digits=12, decimal_places=4, validators=[MinValueValidator(0)])
    output_usd = models.DecimalField(max_digits=12, decimal_places=4, validators=[MinValueValidator(0)])
    cache_read_usd = models.DecimalField(max_digits=12, decimal_places=4, validators=[MinValueValidator(0)])
    cache_write_usd = models.DecimalField(max_digits=12, decimal_places=4, validators=[MinValueValidator(0)])
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.model
