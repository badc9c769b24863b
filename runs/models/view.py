"""Saved views: filters of the list of runs that a person gave a name, alone or for a team."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, actor: Actor) -> SavedViewQuerySet:
        """One's own, and those shared with teams that one sees."""
        teams = actor.teams_with(Right.VIEW)
        shared = Q(team__isnull=False) if teams is None else Q(team_id__in=teams)
        return self.filter(shared | Q(owner_id=getattr(actor.user, "pk", None)))


class SavedView(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    team = models.ForeignKey(
        Team, models.CASCADE, null=True, related_name="saved_views", help_text=_("Whom it is shared with.")
    )
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True, help_text=_("The address's filters; it stays the truth."))
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_once")]

    def __str__(self) -> str:
        return self.name
