"""Spend over a range of days: by agent, model, person and day, from the daily figures, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from agentops.accounts.access import Actor, Right
from agentops.templatetags.console import usd
from runs import charts, ledger
from runs.models import DailySpend

CHOICES = (7, 30, 90)
LONGEST = 366
"""Days of a range, at most."""
SHOWN = 12
"""Rows of a table; what costs less is added up in one more."""
SUMS = (
    "calls",
    "failed_attempts",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_usd",
    "estimated_usd",
    "saved_usd",
)

BY_EACH = f"""
SELECT CASE WHEN GROUPING(day) = 0 THEN 'day' WHEN GROUPING(agent) = 0 THEN 'agent'
    WHEN GROUPING(model) = 0 THEN 'model' WHEN GROUPING(started_by) = 0 THEN 'person' ELSE 'all' END,
    day, COALESCE(agent, model, started_by, ''), price_source, {", ".join(f"sum({name})" for name in SUMS)}
FROM runs_dailyspend
WHERE day BETWEEN %(first)s AND %(last)s AND (%(all)s OR team_id = ANY(%(teams)s))
GROUP BY GROUPING SETS ((day), (agent), (model, price_source), (started_by), ())
"""  # noqa: S608 - names of our own columns


@dataclass(frozen=True, slots=True)
class Range:
    first: date
    last: date
    days: int
    """The chosen one of CHOICES; 0 for a range of one's own."""


@dataclass(slots=True)
class Line:
    """One agent, model, person or day, and what it came to."""

    name: str
    sums: dict[str, Any]
    sources: list[str] = field(default_factory=list)
    day: date | None = None
    others: int = 0
    """For the last line of a long table: how many it stands for."""
    bar: str = ""


@dataclass(slots=True)
class Spending:
    total: Line
    agents: list[Line]
    models: list[Line]
    people: list[Line]
    days: list[Line]
    chart: str

    @property
    def hit_percent(self) -> int | None:
        read, all_ = self.total.sums["cache_read_tokens"], self.total.sums["input_tokens"]
        return round(100 * read / all_) if all_ else None


def chosen(request: HttpRequest) -> Range:
    """What the address asks for; 30 days when it asks for nothing that can be."""
    today = ledger.today()
    first, last = (_date(request.GET.get(name, "")) for name in ("from", "to"))
    if first and last and first <= last:
        return Range(max(first, last - timedelta(days=LONGEST - 1)), last, 0)
    asked = request.GET.get("days", "")
    days = next((choice for choice in CHOICES if str(choice) == asked), 30)
    return Range(today - timedelta(days=days - 1), today, days)


def over(actor: Actor, span: Range) -> Spending:
    """One query."""
    teams = actor.teams_with(Right.VIEW)
    found: dict[str, dict[str, Line]] = {"day": {}, "agent": {}, "model": {}, "person": {}, "all": {}}
    with connection.cursor() as cursor:
        cursor.execute(
            BY_EACH, {"first": span.first, "last": span.last, "all": teams is None, "teams": list(teams or [])}
        )
        for kind, day, name, source, *sums in cursor.fetchall():
            key = day.isoformat() if kind == "day" else name
            line = found[kind].setdefault(key, Line(name, dict.fromkeys(SUMS, 0), day=day))
            for column, value in zip(SUMS, sums, strict=True):
                line.sums[column] += value or 0
            if source is not None:
                line.sources.append(source)
    total = found["all"].get("") or Line("", dict.fromkeys(SUMS, 0))
    days = _every_day(span, found["day"])
    return Spending(
        total,
        _ranked(found["agent"].values()),
        _ranked(found["model"].values()),
        _ranked(found["person"].values()),
        [day for day in reversed(days) if day.sums["calls"]],
        _chart(days, total),
    )


def _ranked(lines: Iterable[Line]) -> list[Line]:
    ordered = sorted(lines, key=lambda line: (-line.sums["cost_usd"], line.name))
    if len(ordered) > SHOWN:
        rest = Line("", dict.fromkeys(SUMS, 0), others=len(ordered) - SHOWN)
        for line in ordered[SHOWN:]:
            rest.sums = {name: rest.sums[name] + line.sums[name] for name in SUMS}
        ordered = [*ordered[:SHOWN], rest]
    most = max((line.sums["cost_usd"] for line in ordered), default=0)
    for line in ordered:
        line.bar = charts.bar(float(line.sums["cost_usd"]), float(most))
    return ordered


def _every_day(span: Range, known: dict[str, Line]) -> list[Line]:
    days = [span.first + timedelta(days=number) for number in range((span.last - span.first).days + 1)]
    return [known.get(day.isoformat()) or Line("", dict.fromkeys(SUMS, 0), day=day) for day in days]


def _chart(days: list[Line], total: Line) -> str:
    points = [
        charts.Point(date_format(day.day, "j M"), float(day.sums["cost_usd"]), usd(day.sums["cost_usd"]))
        for day in days
    ]
    top = max(points, key=lambda point: point.value)
    words = {"total": usd(total.sums["cost_usd"]), "days": len(days), "day": top.name, "most": top.words}
    label = _("Spend by day: %(total)s in %(days)s days, most on %(day)s (%(most)s). The table below has every day.")
    return charts.columns(points, label % words) if total.sums["cost_usd"] else ""


CSV_COLUMNS = ("day", "team__name", "agent", "model", "started_by", "price_source", *SUMS)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@require_GET
def as_csv(request: HttpRequest) -> StreamingHttpResponse:
    """A row for each day, team, agent, model and person that this person may see, a day at a time."""
    span = chosen(request)
    lines = _lines(request.actor, span)
    body = _in_turn(lines) if isinstance(request, ASGIRequest) else lines
    response = StreamingHttpResponse(body, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="spend-{span.first}-to-{span.last}.csv"'
    return response


def _lines(actor: Actor, span: Range) -> Iterator[str]:
    yield _text([[name.replace("team__name", "team") for name in CSV_COLUMNS]])
    rows = DailySpend.objects.visible_to(actor).order_by("team__name", "agent", "model", "started_by", "id")
    for number in range((span.last - span.first).days + 1):
        day = span.first + timedelta(days=number)
        if text := _text(rows.filter(day=day).values_list(*CSV_COLUMNS)):
            yield text


async def _in_turn(lines: Iterator[str]) -> AsyncIterator[str]:
    while (text := await sync_to_async(next)(lines, None)) is not None:
        yield text


def _text(rows: Iterable[Iterable[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def _cell(value: Any) -> Any:
    """No spreadsheet takes a name for a formula."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


def _date(text: str) -> date | None:
    try:
        found = parse_date(text)
    except ValueError:
        return None
    # Far from either end of what a date can be: ranges are counted in days.
    return found if found and 2000 <= found.year < 2200 else None
