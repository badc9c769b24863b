"""Every test here may take runs as a worker does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from runs import lease
from runs.models import Run

from .factories import Hand

Take = Callable[[Run], Hand]


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
