"""A model that plays several agents at once: each run is known by the first [name] in its goal.

And a small crew: `pump` carries every run that is due, at the same time, until none is.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from agentops.core.messages import text_of
from agentops.core.models import ModelAnswer, ModelRequest, OnAttempt, OnDelta
from runs import sweep
from runs.models import Run
from runs.worker import Worker
from tests.engine.doubles import CENT, calls, says

Part = ModelAnswer | str | Callable[[ModelRequest], ModelAnswer | str]


class Cast:
    """`parts`: for each name its turns, in order; after the last it says “Done.”."""

    def __init__(self, **parts: list[Part]) -> None:
        self.parts = parts
        self.asked: list[tuple[str, ModelRequest]] = []
        self.cost = CENT

    async def complete(self, request: ModelRequest, *, on_delta: OnDelta, on_failed_attempt: OnAttempt) -> ModelAnswer:
        goal = text_of(request.messages[0]["content"])
        found = {goal.index(f"[{name}]"): name for name in self.parts if f"[{name}]" in goal}
        name = found[min(found)]
        self.asked.append((name, copy.deepcopy(request)))
        turns = self.parts[name]
        number = sum(message["role"] == "assistant" for message in request.messages)
        part = turns[number] if number < len(turns) else "Done."
        said = part(request) if callable(part) else part
        return says(said) if isinstance(said, str) else copy.deepcopy(said)

    def worst_cost(self, request: ModelRequest, known_input_tokens: int, new_bytes: int) -> Decimal:
        return self.cost

    def told(self, name: str, turn: int = -1) -> str:
        """The last message of one of its requests, as text, results of calls with it."""
        requests = [request for who, request in self.asked if who == name]
        blocks = requests[turn].messages[-1]["content"]
        return "\n".join(block.get("text") or str(block.get("content", "")) for block in blocks)

    def times(self, name: str) -> int:
        return sum(who == name for who, _ in self.asked)


def hands(*goals: str, agent: str = "worker", **more: Any) -> ModelAnswer:
    """One turn that hands over each goal."""
    return calls(*(("delegate", {"agent": agent, "goal": goal, **more}) for goal in goals))


def plan(*steps: dict[str, Any]) -> str:
    return json.dumps({"steps": list(steps)})


def step(key: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": f"Do {key}", "instruction": f"[{key}] Do it.", "after": list(after), **more}


def due() -> list[Run]:
    return list(Run.objects.filter(wake_at__lte=Now(), status__in=["queued", "waiting"]))


def pump(worker: Worker) -> None:
    """Until every run has ended or waits for something else than time."""
    while runs := due():
        threads = [threading.Thread(target=_carry, args=(worker, run)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sweep.hear_of_children()


def _carry(worker: Worker, run: Run) -> None:
    try:
        worker.advance(str(run.pk))
    finally:
        connection.close()
