"""An agent and its immutable versions: a run records the version it ran."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team


class AgentQuerySet(models.QuerySet["Agent"]):
    def visible_to(self, actor: Actor, right: Right = Right.VIEW) -> AgentQuerySet:
        teams = actor.teams_with(right)
        return self if teams is None else self.filter(team_id__in=teams)


class Agent(models.Model):
    team = models.ForeignKey(Team, models.PROTECT, related_name="agents")
    name = models.SlugField(max_length=80)
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    example_goal = models.TextField(blank=True)
    active = models.BooleanField(default=True, help_text=_("Inactive agents start no new runs."))
    live = models.ForeignKey("AgentVersion", models.PROTECT, null=True, blank=True, editable=False, related_name="+")
    candidate = models.ForeignKey(
        "AgentVersion", models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    candidate_percent = models.PositiveSmallIntegerField(
        default=0, help_text=_("The share of new runs that the candidate version takes.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AgentQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="agent_name_in_team")]

    def __str__(self) -> str:
        return self.title


class AgentVersion(models.Model):
    """Prompt, tools, models and limits as they were at one time. Never changed; a change is a new version."""

    class Planning(models.TextChoices):
        NONE = "none", _("No plan: step by step")
        PLAN = "plan", _("A plan first")
        REVIEWED = "reviewed", _("A plan first, which a person approves")

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    system_prompt = models.TextField()
    tools = models.JSONField(default=list, help_text=_("Names of the tools it may use."))
    model_chain = models.JSONField(default=list, help_text=_("Models in order of preference."))
    inputs = models.JSONField(default=list, blank=True, help_text=_("What its start form asks for."))
    note = models.CharField(max_length=200, blank=True, help_text=_("What changed, for people."))
    max_output_tokens = models.PositiveIntegerField(default=4096)
    max_steps = models.PositiveIntegerField(default=30)
    max_tool_calls = models.PositiveIntegerField(default=60)
    max_parallel_calls = models.PositiveIntegerField(default=8, help_text=_("Tool calls in one turn, at most."))
    max_tokens = models.PositiveBigIntegerField(default=1_000_000)
    max_cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=1)
    max_seconds = models.PositiveIntegerField(default=1800, help_text=_("Working time; waiting does not count."))
    planning = models.CharField(max_length=8, choices=Planning, default=Planning.NONE, db_default="none")
    delegates_to = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text=_("Names of the agents it may hand work to."),
    )
    max_children = models.PositiveIntegerField(
        default=20, db_default=20, help_text=_("Runs that a run may start, in all.")
    )
    max_parallel_children = models.PositiveIntegerField(default=4, db_default=4, help_text=_("Of these at once."))
    max_depth = models.PositiveSmallIntegerField(default=2, db_default=2, help_text=_("Runs below runs below it."))
    context_tokens = models.PositiveBigIntegerField(
        null=True, help_text=_("What a request may hold; empty: what the model takes.")
    )
    summary_chain = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text=_("Models that shorten and judge; empty: its own."),
    )
    answer_schema = models.JSONField(null=True, help_text=_("JSON schema of its final answer."))
    success = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text=_("What an answer must meet to count as completed."),
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_by_name = models.CharField(max_length=150, blank=True, help_text=_("Kept when the person is deleted."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["agent", "number"], name="agent_version_number")]

    def __str__(self) -> str:
        return f"{self.agent} version {self.number}"

    @property
    def plans(self) -> bool:
        """Its runs make a plan first."""
        return self.planning != self.Planning.NONE

    @property
    def starts_runs(self) -> bool:
        """Its runs may have others below them."""
        return self.plans or bool(self.delegates_to)
