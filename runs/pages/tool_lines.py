"""Tools as people read of them: name, tier in a team, what it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from agentops.tools.registry import registry
from approvals.models import ToolTier

Tiers = dict[tuple[int | None, str], str]
"""The admins' own, by team (None: every team) and tool."""


@dataclass(frozen=True, slots=True)
class ToolLine:
    name: str
    tier: str
    """The admin's, else the tool's own; "" when no such tool is installed. Rules of the policy may change it."""
    does: str


def tiers_of(teams: Iterable[int]) -> Tiers:
    rows = ToolTier.objects.filter(Q(team=None) | Q(team_id__in=list(teams)))
    return {(row.team_id, row.tool): row.tier for row in rows}


def line(name: str, team_id: int, tiers: Tiers) -> ToolLine:
    tool = registry.get(name)
    own = tool.tier.value if tool else ""
    tier = tiers.get((team_id, name)) or tiers.get((None, name)) or own
    return ToolLine(name, tier if tool else "", tool.spec.description.partition("\n")[0] if tool else "")
