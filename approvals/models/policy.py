"""Tiers, and the ordered rules of a team that give them; versions decide and never change."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from agentops.accounts.models import Team
from agentops.core import tools as core


class Tier(models.TextChoices):
    LOW = core.Tier.LOW.value, _("Low")
    MEDIUM = core.Tier.MEDIUM.value, _("Medium")
    HIGH = core.Tier.HIGH.value, _("High")
    CRITICAL = core.Tier.CRITICAL.value, _("Critical")


class ToolTier(models.Model):
    """An admin's own tier for a tool, in place of the one its author declared. No team: for every team."""

    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="tool_tiers")
    tool = models.CharField(max_length=128)
    tier = models.CharField(max_length=8, choices=Tier)
    timer_seconds = models.PositiveIntegerField(
        _("countdown in seconds"),
        null=True,
        blank=True,
        help_text=_("For medium: how long before it approves itself. Empty: 300."),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "tool"], name="one_tier_a_tool", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"{self.tool}: {self.tier}"


class Policy(models.Model):
    """A team's ordered rules as they are being edited. Publishing makes a version; versions decide."""

    team = models.OneToOneField(Team, models.CASCADE, related_name="policy")
    live = models.ForeignKey("PolicyVersion", models.PROTECT, null=True, blank=True, editable=False, related_name="+")
    revision = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("Counts changes of the draft: who edits an older one is told.")
    )
    changed_by_name = models.CharField(max_length=150, blank=True, editable=False)
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_change = models.TextField(blank=True, editable=False, help_text=_("Of the draft, in words."))

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return f"Policy of {self.team}"


class Rule(models.Model):
    """One line of a policy: when it matches, its tier counts. Tried in order; the first match wins."""

    class Taint(models.TextChoices):
        ANY = "any", _("either way")
        TAINTED = "tainted", _("only tainted runs")
        CLEAN = "clean", _("only clean runs")

    class OnDeadline(models.TextChoices):
        NONE = "", _("nothing: it waits")
        EXPIRE = "expire", _("expire (high only)")

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=120)
    tool = models.CharField(max_length=128, default="*", help_text=_("A tool's name, or a pattern: mail_*"))
    agent = models.CharField(max_length=80, default="*", help_text=_("An agent's name, or a pattern."))
    taint = models.CharField(max_length=8, choices=Taint, default=Taint.ANY)
    condition = models.TextField(
        blank=True,
        max_length=2000,
        help_text=_("CEL, for example: double(args.amount) > 100.0. Empty: always."),
    )
    tier = models.CharField(max_length=8, choices=Tier)
    timer_seconds = models.PositiveIntegerField(_("countdown in seconds"), null=True, blank=True)
    on_deadline = models.CharField(max_length=8, choices=OnDeadline, blank=True, default=OnDeadline.NONE)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """An immutable snapshot of a policy's rules. Every decision names the version it was made under."""

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    rules = models.JSONField()
    note = models.CharField(max_length=200, blank=True, help_text=_("What changed, for people."))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_by_name = models.CharField(max_length=150, blank=True, help_text=_("Kept when the person is deleted."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="policy_version_number")]

    def __str__(self) -> str:
        return f"version {self.number}"
