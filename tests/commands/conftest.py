"""A worker in this process that takes every queued run, with the simulator for a model."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from agentops.gateway.gateway import Gateway
from runs import estimating
from runs.models import Run
from runs.worker import Worker


@pytest.fixture
def worker(transactional_db: None, simulator_url: str) -> Iterator[Worker]:
    model = Gateway(api_key="any", base_url=simulator_url, pricing=estimating.pricing(), provider="simulator")
    made, over = Worker(model), threading.Event()
    hands = threading.Thread(target=_take_what_is_queued, args=(made, over))
    hands.start()
    yield made
    over.set()
    hands.join()
    made.close()


def _take_what_is_queued(worker: Worker, over: threading.Event) -> None:
    while not over.wait(0.02):
        for run_id in Run.objects.filter(status="queued").values_list("pk", flat=True):
            worker.advance(str(run_id))
    connection.close()
