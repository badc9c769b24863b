"""What a model call costs beside the SDK alone, with every limit and five budgets on: reserving, routing, pricing.

From the row that reserves a step's cost to the answer's, less what the bare SDK takes for such a call.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

from anthropic import AsyncAnthropic, DefaultAioHttpClient
from django.conf import settings
from django.contrib.auth import get_user_model

from runs import worker
from runs.models import Budget, Run, Step

from . import processes, rows, streaming
from .result import Result

CALLS = 200


def measure(calls: int = CALLS) -> Iterator[Result]:
    person, _ = get_user_model().objects.get_or_create(username="bench", defaults={"is_superuser": True})
    found = rows.agent("budgeted", chain=["sim-1"])
    limits = {"limit_usd": Decimal(100_000)}
    budgets = [
        Budget.objects.create(period="day", **limits),
        Budget.objects.create(period="month", **limits),
        Budget.objects.create(team=found.team, period="day", **limits),
        Budget.objects.create(team=found.team, agent=found, period="day", **limits),
        Budget.objects.create(team=found.team, user=person, period="day", **limits),
    ]
    goal = streaming.script(calls, 0)
    try:
        with processes.simulator(), closing(worker.Worker()) as here:
            for _ in range(2):  # the first to warm up
                (run,) = rows.queue(found, 1, goal, started_by=person)
                here.advance(str(run.pk))
            with asyncio.Runner(loop_factory=worker.new_loop) as runner:
                bare = runner.run(_bare(goal, calls))
    finally:
        for budget in budgets:
            budget.accounts.all().delete()
            budget.delete()
    if not Run.objects.filter(pk=run.pk, status=Run.Status.SUCCEEDED, steps=calls).exists():
        raise RuntimeError("The run with five budgets did not come to its end.")
    steps = Step.objects.filter(run=run, number__lt=calls).order_by("number")
    took = sorted(_milliseconds(step) - alone for step, alone in zip(steps, bare, strict=True))
    yield Result("gateway overhead a call, five budgets, p50", "ms", statistics.median(took), None, False)
    yield Result("gateway overhead a call, five budgets, p95", "ms", took[int(len(took) * 0.95) - 1], 5, False)


def _milliseconds(step: Step) -> float:
    return (step.answered_at - step.opened_at).total_seconds() * 1000


async def _bare(goal: str, calls: int) -> list[float]:
    """The same turns of the same conversation, which grows from call to call; but for the last."""
    env, took = settings.ENV, []
    client = AsyncAnthropic(
        api_key=env.anthropic_api_key, base_url=env.anthropic_base_url, http_client=DefaultAioHttpClient()
    )
    messages = [{"role": "user", "content": [{"type": "text", "text": goal}]}]
    for number in range(calls - 1):
        begin = time.perf_counter()
        stream = await client.messages.create(model="sim-1", max_tokens=1000, messages=messages, stream=True)
        async for _event in stream:
            pass
        took.append((time.perf_counter() - begin) * 1000)
        use = {"type": "tool_use", "id": f"toolu_{number}_0", "name": "bench_look", "input": {"number": number}}
        result = {"type": "tool_result", "tool_use_id": use["id"], "content": [{"type": "text", "text": str(number)}]}
        messages += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    await client.close()
    return took
