"""Hints to workers that a run wants attention. A lost hint costs a second: the sweep finds the run by its row."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import structlog
from django.db import transaction
from kombu.exceptions import OperationalError

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
