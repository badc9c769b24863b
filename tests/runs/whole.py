"""A worker in this process that carries runs of the simulator's scripts, one call at a time."""

from __future__ import annotations

import json
from typing import Any

from agentops.accounts.access import Actor
from runs.actions import start_run
from runs.models import Agent, ModelPrice, Run
from runs.worker import Worker

from . import factories as make

MODEL = "sim-tests"


def turn(*tools: tuple[str, dict[str, Any]], text: str = "Next.", **more: Any) -> dict[str, Any]:
    return {"text": text, "tools": [{"name": name, "input": given} for name, given in tools], **more}


def scripted(turns: list[dict[str, Any]], **repeat: Any) -> str:
    script = {"turns": turns, **({"repeat": repeat} if repeat else {})}
    return f"Play this.\n```sim {json.dumps(script)}```"


def agent(actor_team: Any, *tools: str, **version: Any) -> Agent:
    ModelPrice.objects.get_or_create(
        model=MODEL,
        defaults={"input_usd": 1, "output_usd": 5, "cache_read_usd": 1, "cache_write_usd": 1},
    )
    return make.agent(actor_team, tools=list(tools), **{"model_chain": [MODEL], **version})


def start(actor: Actor, agent: Agent, turns: list[dict[str, Any]], **more: Any) -> Run:
    run, _ = start_run(actor, agent=agent.name, goal=scripted(turns), via="api", **more)
    return run


def carry(worker: Worker, run: Run) -> Run:
    """As far as it goes."""
    worker.advance(str(run.pk))
    run.refresh_from_db()
    return run
