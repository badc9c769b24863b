"""What a run of this agent usually takes and costs, from its last fifty that succeeded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from statistics import median, quantiles
from typing import TypeVar

from django.utils.translation import gettext as _

from agentops.templatetags.console import usd
from runs.models import Run

Number = TypeVar("Number", float, Decimal)

LAST = 50
FEWEST = 3
"""Runs below which nothing is said."""
UNITS = ((90.0, 1.0, "s"), (90 * 60.0, 60.0, "min"), (float("inf"), 3600.0, "h"))


@dataclass(frozen=True, slots=True)
class Expected:
    """Each a pair: what half of the runs stay below, and what nine of ten do."""

    runs: int
    seconds: tuple[float, float]
    cost: tuple[Decimal, Decimal]

    @property
    def time_words(self) -> str:
        (low, low_unit), (high, high_unit) = map(_amount, self.seconds)
        low_words = f"{low} {low_unit}" if low_unit != high_unit else f"{low}"
        return f"{_between(low_words, str(high))} {high_unit}"

    @property
    def cost_words(self) -> str:
        return _between(usd(self.cost[0]), usd(self.cost[1]))


def of(run: Run) -> Expected | None:
    if run.agent_id is None:
        return None
    # A step of a plan is a small part of what the agent is asked for, and is measured by others like it.
    alike = Run.objects.filter(plan_step__isnull=run.plan_step_id is None)
    past = alike.filter(agent_id=run.agent_id, status=Run.Status.SUCCEEDED).exclude(pk=run.pk)
    rows = list(past.order_by("-ended_at").values_list("started_at", "ended_at", "cost_usd")[:LAST])
    times = [(ended - started).total_seconds() for started, ended, _cost in rows if started and ended]
    if len(times) < FEWEST:
        return None
    costs = [cost for _started, _ended, cost in rows]
    return Expected(len(times), (median(times), _p90(times)), (median(costs), _p90(costs)))


def _amount(seconds: float) -> tuple[int, str]:
    size, unit = next((size, unit) for most, size, unit in UNITS if seconds < most)
    return max(round(seconds / size), 1), unit


def _p90(values: list[Number]) -> Number:
    return quantiles(values, n=10, method="inclusive")[-1]


def _between(low: str, high: str) -> str:
    return low if low == high else _("%(low)s to %(high)s") % {"low": low, "high": high}
