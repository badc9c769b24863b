"""A team with an agent, an admin who acts, and what a test asks of runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from agentops.accounts.access import Actor
from runs.actions import start_run
from runs.models import Account, Agent, Event, ModelPrice, Run, ToolCall
from tests.api import factories

from .stack import PATIENCE, eventually

TOOLS = ["look", "pay", "register", "publish"]
MODEL = "sim-acceptance"


class World:
    def __init__(self) -> None:
        ModelPrice.objects.create(
            model=MODEL,
            # Output makes the price, so that a step can cost nearly what was held for it.
            input_usd=Decimal("0.1"),
            output_usd=Decimal(50),
            cache_read_usd=Decimal("0.01"),
            cache_write_usd=Decimal("0.125"),
        )
        self.team = factories.team()
        self.person = factories.person(self.team, is_superuser=True)
        self.actor = Actor(self.person)
        self.agent: Agent = factories.agent(
            self.team, tools=TOOLS, model_chain=[MODEL], max_output_tokens=256, max_cost_usd=Decimal(1)
        )

    def start(self, turns: list[dict[str, Any]], **more: Any) -> Run:
        """A run of the simulator's script; after its last turn the model says `Done.`"""
        goal = f"```sim {json.dumps({'turns': turns})}```"
        run, _ = start_run(self.actor, agent=self.agent.name, goal=goal, via="api", **more)
        return run


def use(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"name": tool, "input": arguments}


def turn(*tools: dict[str, Any], text: str = "Next.", **more: Any) -> dict[str, Any]:
    return {"text": text, "tools": list(tools), **more}


def ended(run: Run, patience: float = PATIENCE) -> Run:
    eventually(lambda: Run.objects.get(pk=run.pk).is_final, "the run ends", patience, partial(describe, [run]))
    run.refresh_from_db()
    return run


def waits(run: Run, on: str) -> Run:
    row = Run.objects.filter(pk=run.pk, status="waiting", waiting_on=on)
    eventually(row.exists, f"the run waits on {on}", details=partial(describe, [run]))
    run.refresh_from_db()
    return run


def call(run: Run, tool: str) -> ToolCall:
    return ToolCall.objects.get(run=run, tool=tool)


def executing(run: Run, tool: str) -> ToolCall:
    return eventually(
        lambda: ToolCall.objects.filter(run=run, tool=tool, status="executing").first(), f"{tool} executes"
    )


def call_id(call: ToolCall) -> str:
    """Its name in the outside ledger."""
    return f"{call.run_id}:{call.step.number}.{call.position}"


def kinds(run: Run) -> list[str]:
    return list(Event.objects.filter(run=run).values_list("kind", flat=True))


def describe(runs: Iterable[Run]) -> str:
    rows = Run.objects.filter(pk__in=[run.pk for run in runs])
    return "\n".join(
        f"{row.pk} {row.status} {row.waiting_on} {row.stop_reason} {row.stop_detail} step {row.steps}, wakes at "
        f"{row.wake_at}, {[(call.tool, call.status) for call in row.call_set.all()]}"
        for row in rows
    )


def assert_at_rest(runs: Iterable[Run]) -> None:
    """Ended for good: no lease, no money held, every event there."""
    for run in Run.objects.filter(pk__in=[run.pk for run in runs]):
        where = describe([run])
        assert run.is_final, where
        assert (run.wake_at, run.waiting_on) == (None, ""), where
        assert (run.held_usd, run.slice_drawn, run.slice_spent, run.slice_accounts) == (0, 0, 0, []), where
        numbers = list(Event.objects.filter(run=run).values_list("seq", flat=True))
        assert numbers == list(range(1, run.seq + 1)), where
    assert not Account.objects.exclude(held=0).exists()


def assert_effects_once(count: dict[str, int], runs: Iterable[Run]) -> None:
    """The world agrees with the rows: what succeeded happened once, what did not, did not, and nothing else did."""
    calls = ToolCall.objects.filter(run__in=list(runs), tool__in=["pay", "register", "publish"]).select_related("step")
    names = {call_id(call): call.status for call in calls}
    mine = {name: times for name, times in count.items() if name in names}
    assert mine == {name: 1 for name, status in names.items() if status == "succeeded"}
