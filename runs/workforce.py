"""The installation's workers and what lies in the queue: who lives, what each carries, who is silent, who waits.

Who lives stands in Redis; what is carried and what is due stands in the database, which is right when they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team
from agentops.core.errors import NotAllowed
from agentops.live import roster
from agentops.live.roster import Living

from . import lease
from .models import Run


@dataclass(frozen=True, slots=True)
class Seat:
    """A living worker, and how many runs are leased to it."""

    living: Living
    leases: int

    @property
    def outdated(self) -> bool:
        """Whether there are runs that it cannot carry and this version could."""
        return self.living.protocol < lease.PROTOCOL


@dataclass(frozen=True, slots=True)
class Silent:
    """A name with leases that shows no sign of life; the last lease ends in `seconds` (0: has ended)."""

    name: str
    leases: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Line:
    """A team's runs: held by workers, and due. `team` is None for all that the person does not see, together."""

    team: Team | None
    running: int
    due: int
    oldest_seconds: int
    too_new: int
    """Of the due ones: those that no living worker can carry."""


@dataclass(frozen=True, slots=True)
class Workforce:
    at: datetime
    seats: list[Seat] | None
    """None: Redis does not answer, so nobody knows who lives."""
    silent: list[Silent]
    """With Redis gone: whoever has leases."""
    lines: list[Line]

    @property
    def deserted(self) -> bool:
        return self.seats == []

    @property
    def slots(self) -> int:
        return sum(seat.living.slots for seat in self.seats or [] if not seat.living.draining)

    @property
    def leases(self) -> int:
        return sum(one.leases for one in [*(self.seats or []), *self.silent])

    @property
    def due(self) -> int:
        return sum(line.due for line in self.lines)

    @property
    def oldest_seconds(self) -> int:
        return max((line.oldest_seconds for line in self.lines), default=0)

    @property
    def too_new(self) -> int:
        return sum(line.too_new for line in self.lines)


def may_see(actor: Actor) -> bool:
    """Whoever may start or steer runs anywhere: how much room there is concerns them."""
    return actor.teams_with(Right.OPERATE) != []


def look(actor: Actor) -> Workforce:
    """Three queries, none of which looks at runs that wait. Raises NotAllowed."""
    if not may_see(actor):
        raise NotAllowed(_("You may not see the workers; an operator or an admin of any team can."))
    now = timezone.now()
    living = roster.look()
    held = Run.objects.filter(status=Run.Status.RUNNING).exclude(worker="").order_by().values("worker")
    leases = {row["worker"]: row for row in held.annotate(count=Count("pk"), until=Max("wake_at")).order_by("worker")}
    names = {one.name for one in living or []}
    silent = [
        Silent(name, row["count"], max(0, round((row["until"] - now).total_seconds())) if row["until"] else 0)
        for name, row in leases.items()
        if name not in names
    ]
    seats = [Seat(one, leases[one.name]["count"] if one.name in leases else 0) for one in living or []]
    return Workforce(now, None if living is None else seats, silent, _lines(actor, living, now))


def _lines(actor: Actor, living: list[Living] | None, now: datetime) -> list[Line]:
    """The longest wait first; what the person does not see comes last."""
    carried = lease.PROTOCOL if living is None else roster.protocol(living) or lease.PROTOCOL
    due = Q(wake_at__lte=now, status__in=[Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.WAITING])
    running = Q(status=Run.Status.RUNNING, wake_at__gt=now) & ~Q(worker="")
    rows = Run.objects.filter(due | running).order_by().values("team_id")
    counted = rows.annotate(
        running=Count("pk", filter=running),
        due=Count("pk", filter=due),
        too_new=Count("pk", filter=due & Q(needs__gt=carried)),
        oldest=Min("wake_at", filter=due),
    )
    visible = actor.teams_with(Right.VIEW)
    teams = Team.objects.in_bulk()
    lines, others = [], [0, 0, 0, 0]
    for row in counted:
        waits = round((now - row["oldest"]).total_seconds()) if row["oldest"] else 0
        numbers = [row["running"], row["due"], waits, row["too_new"]]
        if visible is None or row["team_id"] in visible:
            lines.append(Line(teams[row["team_id"]], *numbers))
        else:
            running_, due_, oldest, too_new = numbers
            others = [others[0] + running_, others[1] + due_, max(others[2], oldest), others[3] + too_new]
    lines.sort(key=lambda line: (-line.oldest_seconds, line.team.name if line.team else ""))
    return lines + ([Line(None, *others)] if any(others) else [])
