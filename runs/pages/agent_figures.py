"""How an agent's runs went: success, cost and steps, for all of an agent or version by version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from runs.models import Agent, Run

LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Figures:
    ended: int = 0
    succeeded: int = 0
    cost_usd: Decimal = Decimal(0)
    steps: int = 0
    completed: int = 0
    not_completed: int = 0

    @property
    def success_percent(self) -> int | None:
        return round(100 * self.succeeded / self.ended) if self.ended else None

    @property
    def judged(self) -> int:
        """Those of which something said what completed means."""
        return self.completed + self.not_completed

    @property
    def completed_percent(self) -> int | None:
        return round(100 * self.completed / self.judged) if self.judged else None

    @property
    def cost_each(self) -> Decimal | None:
        return self.cost_usd / self.ended if self.ended else None

    @property
    def steps_each(self) -> float | None:
        return round(self.steps / self.ended, 1) if self.ended else None


def lately(agents: list[int]) -> dict[int, Figures]:
    """Runs of the last days that ended, by agent; one query for all."""
    ended = Run.objects.filter(agent_id__in=agents, created_at__gte=timezone.now() - LATELY, ended_at__isnull=False)
    return _by(ended, "agent_id")


def by_version(agent: Agent, since: datetime) -> dict[int, Figures]:
    """Runs started since then that ended, by version."""
    return _by(Run.objects.filter(agent=agent, created_at__gte=since, ended_at__isnull=False), "version_id")


def _by(runs: QuerySet[Run], key: str) -> dict[int, Figures]:
    rows = (
        runs.order_by()
        .values(key)
        .annotate(
            n=Count("id"),
            won=Count("id", filter=Q(status=Run.Status.SUCCEEDED)),
            spent=Sum("cost_usd"),
            walked=Sum("steps"),
            done=Count("id", filter=Q(outcome=Run.Outcome.COMPLETED)),
            missed=Count("id", filter=Q(outcome=Run.Outcome.NOT_COMPLETED)),
        )
    )
    return {
        row[key]: Figures(row["n"], row["won"], row["spent"], row["walked"], row["done"], row["missed"]) for row in rows
    }
