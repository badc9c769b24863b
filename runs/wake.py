"""Hints to workers that a run wants attention. A lost hint costs a second: the sweep finds the run by its row.

A hint names a run but is good for any: a busy worker takes the due run whose turn it is (`fairness`).
"""

from __future__ import annotations

from functools import cache, partial
from uuid import UUID

import redis
import structlog
from django.db import transaction
from kombu.exceptions import OperationalError

from agentops.live import connections

QUEUE = "runs"
"""Where hints go, by `task_routes` in the settings; Celery keeps it in Redis as a list of this name."""

_client = cache(connections.for_threads)
log = structlog.get_logger(__name__)


def hint_on_commit(run_id: UUID | str) -> None:
    transaction.on_commit(partial(hint, run_id))


def hint(run_id: UUID | str) -> None:
    """Ask for a worker now. Never raises: with the broker gone the sweep does it later."""
    from .tasks import advance

    try:
        advance.apply_async(args=[str(run_id)], retry=False)
    except (OperationalError, OSError) as error:
        log.warning("hint_not_sent", run=str(run_id), error=str(error))


def queued() -> int | None:
    """Hints that no worker has fetched yet. None: the broker is out of reach."""
    try:
        return int(_client().llen(QUEUE))  # type: ignore[arg-type] # not the client of a loop
    except (redis.RedisError, OSError):
        return None
