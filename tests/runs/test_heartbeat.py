"""A worker keeps its leases whatever its journal waits for, and one run's locked row costs no other run its lease."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from agentops.core.models import ModelAnswer
from runs import lease
from runs.models import Run
from runs.worker import DATABASE_THREADS, Worker
from tests.acceptance.stack import eventually
from tests.engine.doubles import ScriptedModel, says

from . import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


def ends(run: Run) -> datetime:
    """When the lease on it does."""
    end = Run.objects.get(pk=run.pk).wake_at
    assert end is not None
    return end


def test_a_journal_that_waits_for_locks_costs_no_lease(settings: Any, tmp_path: Any) -> None:
    settings.AGENTOPS_WORKSPACES, settings.AGENTOPS_LEASE_SECONDS = tmp_path, 2
    run = make.run()
    asked, may, free = threading.Event(), threading.Event(), threading.Event()

    async def slowly(*_: Any) -> ModelAnswer:
        asked.set()
        await asyncio.to_thread(may.wait, 60)
        return says("Done.")

    with closing(Worker(ScriptedModel(slowly))) as worker:
        carrying = threading.Thread(target=worker.advance, args=[str(run.pk)])
        carrying.start()
        asked.wait(20)
        waiting = [worker.executor.submit(free.wait, 60) for _ in range(DATABASE_THREADS)]
        try:
            before = ends(run)
            eventually(
                lambda: (ends(run) - before).total_seconds() > 3, "its lease outlives the one it had", patience=30
            )
        finally:
            free.set()
            may.set()
        carrying.join()
        assert all(one.result() for one in waiting)
    run.refresh_from_db()
    assert (run.status, run.fence) == ("succeeded", 1)


@pytest.fixture
def impatient() -> Iterator[None]:
    """A statement that waits for a lock fails."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
        yield
        cursor.execute("RESET lock_timeout")


@pytest.mark.usefixtures("impatient")
def test_a_row_that_somebody_holds_costs_no_other_run_its_lease() -> None:
    one, other = make.run(), make.run()
    held = [taken for run in (one, other) if (taken := lease.acquire(str(run.pk), "a"))]
    make.lose_lease(one)
    has_it, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Run.objects.select_for_update().get(pk=other.pk)
            has_it.set()
            may_go.wait(20)
        connection.close()

    holding = threading.Thread(target=hold)
    holding.start()
    has_it.wait(20)
    try:
        until = held[1].valid_until
        assert lease.renew(held) == []
        assert held[0].valid_until > until
        assert held[1].valid_until == until, "it is neither lost nor renewed"
        assert not lease.acquire(str(one.pk), "b"), "the other's is renewed"
        held[1].valid_until = time.monotonic()
        assert lease.renew(held) == [held[1]], "it ran out meanwhile"
    finally:
        may_go.set()
        holding.join()
