"""Every tool of this installation: what it does, its tier, who uses it, and how its calls went."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import connection
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team
from agentops.core.errors import AgentOpsError, InvalidInput, NotAllowed
from agentops.core.tools import Tool
from agentops.tools.registry import registry
from approvals.actions import tiers
from approvals.models import Tier, ToolTier
from approvals.policy import MEDIUM_SECONDS
from runs import charts, figures
from runs.models import Agent, FiguresClock, HourlyTools, ToolCall

from . import schema

LATELY = timedelta(days=7)
FAILURES = 8
FIRST_TRY_TARGET = 90

COUNTS = f"""
SELECT tool, sum(calls), sum(succeeded), sum(failed), sum(invalid), sum(rejected), sum(first_tries),
    sum(first_succeeded), ARRAY[{", ".join(f"sum(durations[{n}])" for n in range(1, figures.BUCKETS + 1))}]::bigint[]
FROM runs_hourlytools
WHERE hour >= %(since)s AND (%(all)s OR team_id = ANY(%(teams)s))
GROUP BY tool
"""  # noqa: S608 - numbers of our own


@dataclass(slots=True)
class Calls:
    made: int = 0
    succeeded: int = 0
    failed: int = 0
    invalid: int = 0
    rejected: int = 0
    first_tries: int = 0
    first_succeeded: int = 0
    durations: list[int] = field(default_factory=lambda: [0] * figures.BUCKETS)

    @property
    def first_percent(self) -> int | None:
        share = figures.percent(self.first_succeeded, self.first_tries)
        return None if share is None else int(share)

    @property
    def below(self) -> bool:
        return self.first_percent is not None and self.first_percent < FIRST_TRY_TARGET

    @property
    def p95_ms(self) -> int | None:
        return figures.percentile(self.durations, 0.95)


@dataclass(slots=True)
class Row:
    name: str
    tool: Tool | None
    """None when agents name it or called it, and no app has it."""
    calls: Calls
    agents: list[Agent]
    tiers: list[ToolTier]

    @property
    def does(self) -> str:
        return self.tool.spec.description.partition("\n")[0] if self.tool else ""

    @property
    def everywhere(self) -> str:
        """The tier that counts where no team has its own."""
        shared = next((row.tier for row in self.tiers if row.team_id is None), "")
        return shared or (self.tool.tier.value if self.tool else "")

    @property
    def by_team(self) -> list[ToolTier]:
        return [row for row in self.tiers if row.team_id is not None]


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    counts = _counts(request.actor)
    rows = _rows(request.actor, counts)
    known = {row.name for row in rows}
    made_up = sum(calls.made for name, calls in counts.items() if name not in known)
    context = {
        "rows": rows,
        "made_up": made_up,
        "days": LATELY.days,
        "clock": FiguresClock.objects.first(),
        "target": FIRST_TRY_TARGET,
    }
    return render(request, "runs/tools.html", context)


@require_GET
def one(request: HttpRequest, name: str) -> HttpResponse:
    return _one(request, name)


@require_POST
def set_tier(request: HttpRequest, name: str) -> HttpResponse:
    """An empty tier takes the setting back."""
    team_id, tier = _team(request.POST.get("team", "")), request.POST.get("tier", "")
    _known(request.actor, name)
    try:
        if tier:
            seconds = _seconds(request.POST.get("timer_seconds", "")) if tier == Tier.MEDIUM else None
            tiers.set_tier(request.actor, name, tier, team_id=team_id, timer_seconds=seconds)
        else:
            tiers.clear_tier(request.actor, name, team_id=team_id)
    except AgentOpsError as error:
        status = 403 if isinstance(error, NotAllowed) else 422
        return _one(request, name, str(error), request.POST.get("team", ""), status)
    messages.success(request, _("It counts from each run’s next step on."))
    return redirect("tool", name)


def _one(request: HttpRequest, name: str, problem: str = "", of: str = "", status: int = 200) -> HttpResponse:
    actor = request.actor
    row = _known(actor, name)
    failures = ToolCall.objects.filter(tool=name, status__in=["failed", "invalid"], ended_at__gte=_since())
    teams = actor.teams_with(Right.VIEW)
    if teams is not None:
        failures = failures.filter(run__team_id__in=teams)
    context = {
        "row": row,
        "parameters": schema.parameters(row.tool.spec.input_schema) if row.tool else [],
        "failures": failures.select_related("run").order_by("-id")[:FAILURES],
        "chart": _by_day(actor, name),
        "settings": _settings(actor, row),
        "tiers": Tier.choices,
        "medium_seconds": MEDIUM_SECONDS,
        "days": LATELY.days,
        "target": FIRST_TRY_TARGET,
        "clock": FiguresClock.objects.first(),
        "problem": problem,
        "problem_of": of,
    }
    return render(request, "runs/tool.html", context, status=status)


def _rows(actor: Actor, counts: dict[str, Calls]) -> list[Row]:
    """Every tool that an app has, an agent names or an admin set a tier for. Names that a model made up are not."""
    agents: dict[str, list[Agent]] = {}
    for agent in Agent.objects.visible_to(actor).filter(live__isnull=False).select_related("live", "team"):
        for name in agent.live.tools:
            agents.setdefault(name, []).append(agent)
    teams = actor.teams_with(Right.VIEW)
    settings = ToolTier.objects.select_related("team").order_by("team__name")
    settings = settings if teams is None else settings.filter(Q(team=None) | Q(team_id__in=teams))
    chosen: dict[str, list[ToolTier]] = {}
    for setting in settings:
        chosen.setdefault(setting.tool, []).append(setting)
    names = sorted({*registry.names(), *agents, *chosen} - {""})
    return [
        Row(name, registry.get(name), counts.get(name, Calls()), agents.get(name, []), chosen.get(name, []))
        for name in names
    ]


def _known(actor: Actor, name: str) -> Row:
    found = next((row for row in _rows(actor, _counts(actor)) if row.name == name), None)
    if found is None:
        raise Http404
    return found


def _counts(actor: Actor) -> dict[str, Calls]:
    teams = actor.teams_with(Right.VIEW)
    asked = {"since": _since(), "all": teams is None, "teams": list(teams or [])}
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, asked)
        return {name: Calls(*map(int, sums), durations) for name, *sums, durations in cursor.fetchall()}


def _by_day(actor: Actor, name: str) -> SafeString:
    """Calls of the last days as columns."""
    hours = HourlyTools.objects.visible_to(actor).filter(tool=name, hour__gte=_since())
    by_day: dict[Any, list[int]] = {}
    for hour, calls, bad in hours.values_list("hour", "calls", "failed"):
        day = by_day.setdefault(timezone.localtime(hour).date(), [0, 0])
        day[0] += calls
        day[1] += bad
    today = timezone.localdate()
    points = []
    for number in reversed(range(LATELY.days)):
        day = today - timedelta(days=number)
        calls, bad = by_day.get(day, [0, 0])
        words = _("%(calls)s calls, %(failed)s failed") % {"calls": calls, "failed": bad}
        points.append(charts.Point(f"{day:%d.%m.}", calls, words))
    label = _("Calls of %(tool)s by day, the last %(days)s days") % {"tool": name, "days": LATELY.days}
    return charts.columns(points, label) if by_day else SafeString()


@dataclass(frozen=True, slots=True)
class Choice:
    """A tier that may be set: for every team, or for one."""

    key: str
    title: str
    tier: str
    timer_seconds: int | None
    wider: str
    """What counts without it."""


def _settings(actor: Actor, row: Row) -> list[Choice]:
    mine = actor.teams_with(Right.ADMINISTER)
    own = row.tool.tier.value if row.tool else ""
    by_team = {setting.team_id: setting for setting in row.tiers}
    choices = []
    if mine is None:
        shared = by_team.get(None)
        choices.append(_choice("all", _("Every team"), shared, own))
    teams = Team.objects.order_by("name")
    for team in teams if mine is None else teams.filter(pk__in=mine):
        choices.append(_choice(str(team.pk), team.name, by_team.get(team.pk), row.everywhere))
    return choices


def _choice(key: str, title: str, setting: ToolTier | None, wider: str) -> Choice:
    return Choice(key, title, setting.tier if setting else "", setting.timer_seconds if setting else None, wider)


def _since() -> datetime:
    return timezone.now() - LATELY


def _team(text: str) -> int | None:
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise Http404
    return int(text)


def _seconds(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InvalidInput(_("Write the countdown in whole seconds."), "timer_seconds")
    return int(text)
