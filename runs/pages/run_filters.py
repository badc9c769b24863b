"""The filters of the list of runs, read from the address: one is asked of an index, the others of what it finds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import reduce
from operator import and_

from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date

from agentops.accounts.access import Actor
from approvals.pages import search
from approvals.pages.search import Found
from runs.models import Agent, Run, RunWords

NAMES = ("q", "status", "agent", "by", "via", "from", "to", "outcome", "tainted", "cost", "children")
MORE = ("by", "via", "from", "to", "outcome", "tainted", "cost", "children")
"""Those behind "More filters"."""
LIVE = "live"
VIA = ("page", "api", "command", "schedule", "webhook", "run")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address says, made sound: a value that means nothing is left out."""

    values: dict[str, str]

    @classmethod
    def of(cls, query: QueryDict) -> Filters:
        given = {name: query.get(name, "").replace("\x00", "").strip()[:200] for name in NAMES}
        return cls({name: value for name, value in given.items() if value and _sound(name, value)})

    @property
    def query(self) -> str:
        """The same filters are the same text, in whatever order they came."""
        made = QueryDict(mutable=True)
        made.update(self.values)
        return made.urlencode()

    @property
    def more(self) -> int:
        return sum(name in self.values for name in MORE)

    def newest(self, actor: Actor, cursor: str, size: int, after: datetime | None = None) -> Found[Run]:
        """The runs that this actor sees and that fit, from the cursor on, started after `after`."""
        first, *others = self._conditions(actor) or [Q()]
        runs = Run.objects.visible_to(actor).select_related("agent")
        if after:
            runs = runs.filter(created_at__gt=after)
        rest, few = reduce(and_, others, Q()), None
        words = search.query(self.values.get("q", ""))
        if words is not None:
            rest &= Q(words__vector=words)
            few = RunWords.objects.filter(vector=words)
        if "children" not in self.values and self.values.get("via") != "run":
            runs = runs.filter(parent=None)
        found = runs.filter(first, self._period())
        return search.newest_matching(found, rest, "created_at", cursor, size, few)

    def _conditions(self, actor: Actor) -> list[Q]:
        """The first has an index in the order of time; those that leave least come first, the cost has none."""
        found: list[Q] = []
        get = self.values.get
        if get("status") == LIVE:
            found.append(~Q(status__in=Run.FINAL))
        elif get("status") in Run.WaitingOn.values:
            found.append(Q(status=Run.Status.WAITING, waiting_on=get("status")))
        if agent := get("agent"):
            # By their keys: the planner does not know that an agent's runs are all of one team.
            known = Agent.objects.visible_to(actor).filter(name=agent).values_list("pk", flat=True)
            found.append(Q(agent_id__in=list(known)))
        if by := get("by"):
            found.append(Q(started_by_name=by))
        if "tainted" in self.values:
            found.append(~Q(tainted_by=""))
        if via := get("via"):
            found.append(Q(started_via=via))
        if get("status") in Run.Status.values:
            found.append(Q(status=get("status")))
        if outcome := get("outcome"):
            # No index has it: rare among all runs, it is looked for newest first, a part at a time.
            found = [*(found or [Q()]), Q(outcome=outcome)]
        if cost := get("cost"):
            found = [*(found or [Q()]), Q(cost_usd__gt=Decimal(cost))]
        return found

    def _period(self) -> Q:
        """Whole days in the person's zone, both included."""
        period = Q()
        if first := parse_date(self.values.get("from", "")):
            period &= Q(created_at__gte=_edge(first, time.min))
        if last := parse_date(self.values.get("to", "")):
            period &= Q(created_at__lte=_edge(last, time.max))
        return period


def _sound(name: str, value: str) -> bool:
    if name == "status":
        return value == LIVE or value in Run.Status.values or value in Run.WaitingOn.values
    if name == "outcome":
        return value in Run.Outcome.values
    if name == "via":
        return value in VIA
    if name in ("tainted", "children"):
        return value == "yes"
    if name in ("from", "to"):
        return _date(value) is not None
    if name == "cost":
        return _amount(value)
    return True


def _date(value: str) -> date | None:
    try:
        found = parse_date(value)
    except ValueError:
        return None
    return found if found and 2000 <= found.year < 3000 else None


def _amount(value: str) -> bool:
    """Plain digits: an exponent can be beyond what a column compares with."""
    return re.fullmatch(r"\d{1,6}(\.\d{0,8})?|\.\d{1,8}", value, re.ASCII) is not None


def _edge(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))
