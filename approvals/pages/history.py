"""What was decided: searchable by words and filters in the address, with the same detail as the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.models import ApprovalRequest, Tier

from . import presenting, search

SIZE = 50
OFFERED = 200
"""The newest decided requests, whose tools, agents and people the filters offer by name."""

Status = ApprovalRequest.Status


@dataclass(frozen=True, slots=True)
class Filters:
    q: str
    status: str
    tier: str
    tool: str
    agent: str
    who: str
    since: date | None
    until: date | None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        """What makes no sense is left out."""
        text = {name: given.get(name, "").replace("\x00", "").strip()[:200] for name in ("q", "tool", "agent", "who")}
        status = given.get("status", "")
        return cls(
            **text,
            status=status if status in Status.values and status != Status.PENDING else "",
            tier=given.get("tier", "") if given.get("tier", "") in Tier.values else "",
            since=_day(given.get("from", "")),
            until=_day(given.get("to", "")),
        )

    @property
    def any(self) -> bool:
        return any((self.q, self.status, self.tier, self.tool, self.agent, self.who, self.since, self.until))

    def by_index(self, rows: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
        """What an index has in the order of the page."""
        exact = {name: value for name in ("tool", "agent") if (value := getattr(self, name))}
        if self.since:
            exact["decided_at__gte"] = _midnight(self.since)
        if self.until:
            exact["decided_at__lt"] = _midnight(self.until + timedelta(days=1))
        return rows.filter(**exact)

    def rest(self) -> Q:
        wanted = Q()
        if words := search.query(self.q):
            wanted &= Q(words=words)
        for name in ("status", "tier"):
            if value := getattr(self, name):
                wanted &= Q(**{name: value})
        if self.who:
            unnamed = [via for via in ApprovalRequest.Via.values if self.who.lower() == presenting.who("", via).lower()]
            wanted &= Q(decided_by_name="", decided_via__in=unnamed) if unnamed else Q(decided_by_name=self.who)
        return wanted


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    mine = ApprovalRequest.objects.visible_to(request.actor)
    decided = mine.exclude(status=Status.PENDING)
    filters = Filters.read(request.GET.dict())
    listed = filters.by_index(decided).defer("arguments", "input_schema", "words")
    words = search.query(filters.q)
    few = mine.filter(words=words) if words else None
    found = search.newest_matching(listed, filters.rest(), "decided_at", request.GET.get("cursor", ""), SIZE, few)
    for row in found.rows:
        row.by = presenting.who(row.decided_by_name, row.decided_via)  # type: ignore[attr-defined]
    statuses = [choice for choice in Status.choices if choice[0] != Status.PENDING]
    context = {"page": found, "filters": filters, "statuses": statuses, "tiers": Tier.choices, **_offered(decided)}
    return render(request, "approvals/history.html", context)


def _offered(decided: QuerySet[ApprovalRequest]) -> dict[str, Any]:
    recent = decided.order_by("-decided_at").values_list("tool", "agent", "decided_by_name", "decided_via")[:OFFERED]
    rows = list(recent)
    return {
        "tools": sorted({row[0] for row in rows}),
        "agents": sorted({row[1] for row in rows if row[1]}),
        "people": sorted({presenting.who(row[2], row[3]) for row in rows}),
    }


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 < day.year < 9000 else None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
