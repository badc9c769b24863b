"""REST of workers: who carries runs, how full they are, and how long runs wait for one."""

from __future__ import annotations

from datetime import datetime

from ninja import Router, Schema
from pydantic import Field

from agentops.rest import Request, access

from .. import workforce
from ..workforce import Line, Seat, Workforce

router = Router(tags=["Workers"], auth=access("runs:read"))


class WorkerOut(Schema):
    name: str = Field(examples=["worker-1:4711"])
    version: str = Field(description="Empty: one of before it said so.", examples=["1.0.0"])
    protocol: int = Field(description="It carries runs that need no newer one.", examples=[2])
    host: str = Field(examples=["worker-1"])
    pid: int = Field(examples=[4711])
    slots: int = Field(description="Runs that it can carry at once.", examples=[500])
    active: int = Field(description="Runs that it said it carries.", examples=[12])
    leases: int = Field(description="Runs that the database has leased to it.", examples=[12])
    draining: bool = Field(description="It was told to stop: it takes no run and hands its own over.", examples=[False])
    started_at: datetime | None
    lag_ms: float | None = Field(description="By how much its loop was late when last measured.", examples=[1.2])
    memory_bytes: int | None = Field(examples=[210_000_000])
    seconds_ago: float = Field(description="Since its last sign of life.", examples=[1.4])


class SilentOut(Schema):
    """Has leases and shows no sign of life: others take its runs over within `seconds`."""

    name: str = Field(examples=["worker-2:815"])
    leases: int = Field(examples=[3])
    seconds: int = Field(examples=[7])


class QueueOut(Schema):
    team: str | None = Field(description="The team's slug; null: all teams that you do not see.", examples=["shop"])
    running: int = Field(examples=[12])
    due: int = Field(description="Runs that want a worker now.", examples=[3])
    oldest_seconds: int = Field(description="How long the first of them has wanted one.", examples=[1])
    too_new: int = Field(description="Of the due ones: those that no living worker can carry.", examples=[0])

    @staticmethod
    def resolve_team(line: Line) -> str | None:
        return line.team.slug if line.team else None


class WorkforceOut(Schema):
    at: datetime
    redis_answers: bool = Field(description="Without it nobody knows which workers live.", examples=[True])
    workers: list[WorkerOut]
    silent: list[SilentOut]
    queue: list[QueueOut]


@router.get("", response=WorkforceOut, summary="Read the workers and the queue")
def get_workers(request: Request) -> dict[str, object]:
    """For operators and admins of any team. Queues are by team; teams that you do not see are one line together."""
    force: Workforce = workforce.look(request.actor)
    return {
        "at": force.at,
        "redis_answers": force.seats is not None,
        "workers": [_told(seat) for seat in force.seats or []],
        "silent": force.silent,
        "queue": force.lines,
    }


def _told(seat: Seat) -> dict[str, object]:
    return {name: getattr(seat.living, name) for name in seat.living.__slots__} | {"leases": seat.leases}
