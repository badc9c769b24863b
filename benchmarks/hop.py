"""A bare Celery message: from one process to a thread of another. `-A benchmarks.hop` is the worker."""

from __future__ import annotations

import time

import redis
from celery import Celery
from django.conf import settings

from . import processes

QUEUE = "bench_hop"

app = Celery("hop", set_as_current=False)  # ours stays the one that hints go by
app.config_from_object("agentops.settings:CELERY")
app.conf.update(task_default_queue=QUEUE, task_routes={})


@app.task(name="benchmarks.hop")
def arrive(answer: str) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.lpush(answer, time.time())


def milliseconds(messages: int) -> list[float]:
    client, took = redis.Redis.from_url(settings.REDIS_URL), []
    with processes.workers(1, "benchmarks.hop", QUEUE):
        for number in range(messages + 1):
            sent = time.time()
            arrive.apply_async(args=[f"{QUEUE}:{number}"])
            found = client.blpop([f"{QUEUE}:{number}"], timeout=processes.PATIENCE_SECONDS)
            if found is None:
                raise RuntimeError("The message did not arrive.")
            if number:  # the first one waits until the worker is there
                took.append((float(found[1]) - sent) * 1000)
    return took
