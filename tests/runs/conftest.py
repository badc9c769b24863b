"""Every test here may take runs as a worker does, or have workers that take them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from runs import lease
from runs.models import Run
from runs.worker import Worker

from .cast import Cast
from .factories import Hand

Take = Callable[[Run], Hand]
Make = Callable[[Cast], Worker]


@pytest.fixture(scope="session")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def take(executor: ThreadPoolExecutor) -> Take:
    def hand(run: Run, worker: str = "test") -> Hand:
        held = lease.acquire(str(run.pk), worker)
        assert held is not None, "the run could not be taken"
        return Hand(held, executor)

    return hand


@pytest.fixture
def workers(transactional_db: None, settings: Any, tmp_path: Any) -> Iterator[Make]:
    """Each with a cast of its own, closed when the test is over."""
    settings.AGENTOPS_WORKSPACES = tmp_path / "work"
    made: list[Worker] = []

    def make_one(cast: Cast) -> Worker:
        made.append(Worker(cast))
        return made[-1]

    yield make_one
    for worker in made:
        worker.close()
