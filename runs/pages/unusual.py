"""What is out of the ordinary now, each with the list behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agentops.accounts.access import Actor
from agentops.templatetags.console import usd
from approvals.models import ApprovalRequest
from runs.models import FiguresClock, HourlySpend

from . import vitals
from .bars import Bar
from .health import COMPLETION, Day, hour_of

TOOL_ERRORS = 10
"""Per cent of a tool's calls that fail before it is worth a look."""
ENOUGH_RUNS, ENOUGH_CALLS = 5, 10
"""From how many on a share says something."""
TIMES = 2
"""An hour that costs so many times what is usual at its time of day."""
STALE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Finding:
    words: str
    link: str
    bad: bool = True


def found(actor: Actor, day: Day, bars: list[Bar], clock: FiguresClock | None) -> list[Finding]:
    """Two queries."""
    return [
        *_machines(clock),
        *_completion(day),
        *_tools(day),
        *_budgets(bars),
        *_rules(actor, day),
        *_cost(actor),
    ]


def _machines(clock: FiguresClock | None) -> Iterator[Finding]:
    seen = vitals.look()
    if not seen.redis_answers:
        yield Finding(_("Redis does not answer: live updates are off, and runs stand still."), reverse("readyz"))
    elif not seen.worker_alive:
        yield Finding(_("No worker is running: runs stay queued."), reverse("runs") + "?status=queued")
    if clock and clock.covered_until and timezone.now() - clock.covered_until > STALE:
        yield Finding(_("The figures are not being counted: is a sweeps worker running?"), reverse("readyz"))


def _completion(day: Day) -> Iterator[Finding]:
    share = day.total.completion
    if share is not None and share < COMPLETION and day.total.ended >= ENOUGH_RUNS:
        words = _("%(failed)s of %(ended)s tasks failed in 24 hours")
        yield Finding(
            words % {"failed": day.total.failed, "ended": day.total.ended}, reverse("runs") + "?status=failed"
        )


def _tools(day: Day) -> Iterator[Finding]:
    for tool, (succeeded, failed) in sorted(day.tools.items(), key=lambda row: -row[1][1]):
        ran = succeeded + failed
        if ran >= ENOUGH_CALLS and 100 * failed > TOOL_ERRORS * ran:
            words = _("%(tool)s failed %(failed)s of %(ran)s times in 24 hours")
            yield Finding(words % {"tool": tool, "failed": failed, "ran": ran}, reverse("tool", args=[tool]))


def _budgets(bars: list[Bar]) -> Iterator[Finding]:
    for bar in bars:
        if bar.level:
            words = _("The budget for %(scope)s %(period)s is used up") if bar.level == "full" else ""
            words = words or _("The budget for %(scope)s %(period)s is %(percent)s %% used")
            values = {"scope": bar.budget.scope, "period": bar.budget.get_period_display(), "percent": bar.percent}
            yield Finding(words % values, f"{reverse('budgets')}#budget-{bar.budget.pk}", bar.level == "full")


def _rules(actor: Actor, day: Day) -> Iterator[Finding]:
    waiting = ApprovalRequest.objects.visible_to(actor).pending().exclude(rule_error="").count()
    count = waiting + day.total.rule_errors
    if count:
        words = ngettext(
            "%(n)s request came by a rule that could not be evaluated",
            "%(n)s requests came by rules that could not be evaluated",
            count,
        )
        yield Finding(words % {"n": count}, reverse("approvals" if waiting else "approvals-history"))


def _cost(actor: Actor) -> Iterator[Finding]:
    """The last whole hour against the same hour of the seven days before."""
    last = hour_of(timezone.now()) - timedelta(hours=1)
    days = [last - timedelta(days=number) for number in range(8)]
    rows = HourlySpend.objects.visible_to(actor).filter(hour__in=days).order_by().values("hour")
    cost = {row["hour"]: row["usd"] for row in rows.annotate(usd=Sum("cost_usd"))}
    usual = median(cost.get(day, 0) for day in days[1:])
    if usual and cost.get(last, 0) > TIMES * usual:
        words = _("The last hour cost %(cost)s; usual at this time is %(usual)s")
        yield Finding(words % {"cost": usd(cost[last]), "usual": usd(usual)}, reverse("budgets") + "?days=7#spent")
