"""The quality of the last day beside its targets, from the figures by the hour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.templatetags.console import seconds, usd
from runs import charts, figures

HOURS = 24
COMPLETION, FIRST_TRY, STEPS, P95_SECONDS = 80, 90, 10, 60
"""Targets: at least so many per cent of tasks and of first tries succeed; at most so many steps and seconds a task."""

MINE = "hour >= %(since)s AND (%(all)s OR team_id = ANY(%(teams)s))"
RUNS = f"""
SELECT hour, sum(started)::bigint, sum(succeeded)::bigint, sum(failed)::bigint, sum(cancelled)::bigint,
    sum(completed)::bigint, sum(not_completed)::bigint, sum(missed)::bigint, sum(steps)::bigint, sum(cost_usd),
    ARRAY[{", ".join(f"sum(durations[{n}])" for n in range(1, figures.BUCKETS + 1))}]::bigint[]
FROM runs_hourlyruns WHERE {MINE} GROUP BY hour
"""  # noqa: S608 - numbers of our own
TOOLS = f"""
SELECT hour, COALESCE(tool, ''), sum(succeeded)::bigint, sum(failed)::bigint, sum(first_tries)::bigint,
    sum(first_succeeded)::bigint
FROM runs_hourlytools WHERE {MINE} GROUP BY GROUPING SETS ((hour), (tool))
"""  # noqa: S608 - as above
DECISIONS = f"""
SELECT hour, sum(decided)::bigint, sum(rule_errors)::bigint, sum(waited_ms)::bigint
FROM runs_hourlydecisions WHERE {MINE} GROUP BY hour
"""  # noqa: S608 - as above


SUMS = (
    "started", "succeeded", "failed", "cancelled", "completed", "not_completed", "missed", "steps", "cost_usd"
)  # fmt: skip


@dataclass(slots=True)
class Hour:
    """Sums of one hour, or of all of them."""

    started: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    completed: int = 0
    not_completed: int = 0
    missed: int = 0
    steps: int = 0
    cost_usd: float = 0
    durations: list[int] = field(default_factory=lambda: [0] * figures.BUCKETS)
    first_tries: int = 0
    first_succeeded: int = 0
    decided: int = 0
    rule_errors: int = 0
    waited_ms: int = 0

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed

    @property
    def judged(self) -> int:
        """Runs of agents that say what completed means."""
        return self.completed + self.not_completed

    @property
    def done(self) -> int:
        """Tasks completed; where nothing says what that means, an answer is enough."""
        return self.succeeded - self.missed

    @property
    def completion(self) -> float | None:
        return figures.percent(self.done, self.ended)

    @property
    def first_try(self) -> float | None:
        return figures.percent(self.first_succeeded, self.first_tries)

    @property
    def steps_each(self) -> float | None:
        count = self.ended + self.cancelled
        return self.steps / count if count else None

    @property
    def cost_each(self) -> float | None:
        """What a success costs, failures included."""
        return self.cost_usd / self.succeeded if self.succeeded else None

    @property
    def p95_seconds(self) -> float | None:
        found = figures.percentile(self.durations, 0.95)
        return None if found is None else found / 1000

    @property
    def to_decide(self) -> float | None:
        return self.waited_ms / 1000 / self.decided if self.decided else None


@dataclass(slots=True)
class Day:
    """The last 24 hours, oldest first, their sums, and each tool's successes and failures."""

    hours: list[Hour]
    total: Hour
    tools: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    value: str
    target: str
    met: bool | None
    """None where there is no target, or nothing to hold against it."""
    line: SafeString
    link: str
    hint: str


def look(actor: Actor) -> Day:
    """Three queries."""
    teams = actor.teams_with(Right.VIEW)
    first = hour_of(timezone.now()) - timedelta(hours=HOURS - 1)
    asked = {"since": first, "all": teams is None, "teams": list(teams or [])}
    hours = {first + timedelta(hours=number): Hour() for number in range(HOURS)}
    tools: dict[str, tuple[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(RUNS, asked)
        for at, *sums, durations in cursor.fetchall():
            _put(hours, at, SUMS, sums)
            _put(hours, at, ("durations",), [durations])
        cursor.execute(TOOLS, asked)
        for at, tool, succeeded, failed, *first_try in cursor.fetchall():
            if at is None:
                tools[tool] = int(succeeded), int(failed)
            else:
                _put(hours, at, ("first_tries", "first_succeeded"), first_try)
        cursor.execute(DECISIONS, asked)
        for at, *sums in cursor.fetchall():
            _put(hours, at, ("decided", "rule_errors", "waited_ms"), sums)
    return Day(list(hours.values()), _total(list(hours.values())), tools)


def metrics(day: Day) -> list[Metric]:
    runs = reverse("runs")
    return [
        _metric(
            day, _("Task completion"), "completion", _percent, COMPLETION, True,
            f"{runs}?outcome=not_completed" if day.total.judged else f"{runs}?status=failed", _counted(day.total),
        ),
        _metric(
            day, _("First-try tool success"), "first_try", _percent, FIRST_TRY, True, reverse("tools"),
            _("%(n)s of %(all)s calls") % {"n": day.total.first_succeeded, "all": day.total.first_tries},
        ),
        _metric(day, _("Steps a task"), "steps_each", "{:.1f}".format, STEPS, False, runs, _("on average")),
        _metric(
            day, _("Cost a success"), "cost_each", usd, None, False, reverse("budgets") + "#spent",
            _("what failed included"),
        ),
        _metric(
            day, _("p95 working time"), "p95_seconds", seconds, P95_SECONDS, False, runs,
            _("19 of 20 tasks take less"),
        ),
        _metric(
            day, _("Time to decide"), "to_decide", seconds, None, False, reverse("approvals-history"),
            _("%(n)s decided by people") % {"n": day.total.decided},
        ),
    ]  # fmt: skip


def _counted(total: Hour) -> str:
    """What the share of completed tasks counts: criteria where there are some, an answer where there are none."""
    if not total.judged:
        return _("%(n)s of %(all)s ended with an answer; no success criteria") % {"n": total.done, "all": total.ended}
    if total.judged >= total.ended:
        return _("%(n)s of %(all)s met their success criteria") % {"n": total.completed, "all": total.judged}
    return _("%(n)s of %(all)s; %(met)s of %(judged)s by success criteria, the others by ending with an answer") % {
        "n": total.done,
        "all": total.ended,
        "met": total.completed,
        "judged": total.judged,
    }


def _metric(
    day: Day, name: str, of: str, words: Callable[[Any], str], target: float | None, least: bool, link: str, hint: str
) -> Metric:
    value = getattr(day.total, of)
    aim = "" if target is None else f"{'≥' if least else '≤'} {words(target)}"
    met = None if target is None or value is None else (value >= target if least else value <= target)
    said = words(value) if value is not None else "–"
    label = _("%(name)s by the hour, the last 24 hours; together %(value)s") % {"name": name, "value": said}
    line = charts.sparkline([getattr(hour, of) for hour in day.hours], label, target)
    return Metric(name, said, aim, met, line, link, hint)


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _put(hours: dict[datetime, Hour], at: datetime, names: tuple[str, ...], values: list[Any]) -> None:
    # A clock that runs ahead may have made an hour that has not begun here.
    if at in hours:
        for name, value in zip(names, values, strict=True):
            setattr(hours[at], name, float(value) if name == "cost_usd" else value)


def _total(hours: list[Hour]) -> Hour:
    total = Hour(durations=figures.add(*(hour.durations for hour in hours)))
    for name in Hour.__slots__:
        if name != "durations":
            setattr(total, name, sum(getattr(hour, name) for hour in hours))
    return total


def _percent(value: float) -> str:
    return f"{value:.0f} %"
