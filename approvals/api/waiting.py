"""Where programs wait for decisions: one query a quarter of a second for all of them, no thread and no connection each.

The database is asked rather than Redis: a decision must reach who waits for it with Redis gone, too.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from django.db import Error as DatabaseError
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from agentops.live.threads import in_thread

from ..models import ApprovalRequest

log = structlog.get_logger(__name__)

LONGEST = 60
"""Seconds; proxies cut longer silences."""
PAUSE = 0.25


async def until_decided(request_id: UUID, seconds: float) -> None:
    """Returns when the request is decided and cannot be taken back, when it is gone, or when the time is up."""
    loop = asyncio.get_running_loop()
    if loop not in _rooms:
        _rooms[loop] = WaitingRoom()
    await _rooms[loop].wait(request_id, seconds)


def is_settled() -> ExpressionWrapper:
    """Decided, and not to be taken back any more, by the database's clock."""
    effective = Q(takes_effect_at=None) | Q(takes_effect_at__lte=Now())
    return ExpressionWrapper(effective & ~Q(status=ApprovalRequest.Status.PENDING), output_field=BooleanField())


def _without_need(ids: Collection[UUID]) -> set[UUID]:
    """Those of `ids` that are settled or gone."""
    waiting = ApprovalRequest.objects.filter(pk__in=ids).exclude(is_settled()).values_list("pk", flat=True)
    return set(ids) - set(waiting)


class WaitingRoom:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, request_id: UUID, seconds: float) -> None:
        decided = asyncio.Event()
        self._waiting[request_id].add(decided)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                await decided.wait()
        except TimeoutError:
            return
        finally:
            self._waiting[request_id].discard(decided)
            if not self._waiting[request_id]:
                del self._waiting[request_id]

    async def _look(self) -> None:
        while self._waiting:
            try:
                found = await in_thread(_without_need, list(self._waiting))
            except DatabaseError as error:
                log.warning("decisions could not be looked up for those who wait", error=str(error))
                found = set()
            for request_id in found:
                for decided in self._waiting.get(request_id, ()):
                    decided.set()
            await asyncio.sleep(PAUSE)


_rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, WaitingRoom] = WeakKeyDictionary()
