"""One play of the harness, from empty tables to the evidence: the team, its people, the runs, the faults, the end."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal
from typing import Any

from django.db import connection

from agentops.accounts.access import SCOPES, Actor
from agentops.accounts.tokens import create_token
from approvals.actions import open_policy, publish_policy, save_draft
from approvals.rules import FIELDS
from runs.actions import save_budget
from runs.models import Budget, ModelPrice
from tests.acceptance.stack import RUN_WORKERS, Stack
from tests.api import factories

from .effects.ledger import Ledger
from .harness import Harness, log_of
from .invariants import Evidence
from .people import People
from .rest import Rest
from .schedule import KINDS, faults
from .watching import Accounts, Rows
from .workload import AGENT, LONG_MODEL, MODEL, MOST_A_RUN, ROLES, RULES, TOOLS, WORKER, Workload

LEASE, SHORT_LEASE = 3.0, 2.0
"""Seconds."""
LIMIT_A_RUN = Decimal("0.02")
"""USD; a run costs more."""
MANY = 100
"""With fewer runs, faults come and pass more quickly: each kind is to meet them while they are under way."""
PACE = 2.0


def play(stack: Stack, seed: int, runs: int) -> Evidence:
    """Raises AssertionError when it does not come to its end."""
    begin = time.monotonic()
    print(f"\nSEED={seed} RUNS={runs}", flush=True)

    def say(what: str) -> None:
        print(f"{time.monotonic() - begin:7.1f} s  {what}", flush=True)

    workload = Workload(seed, runs)
    limit = max(LIMIT_A_RUN * runs, Decimal("0.20")).quantize(Decimal("0.01"))
    many = runs >= MANY
    lease = LEASE if many else SHORT_LEASE
    budget, token = _prepare(limit)
    connection.close()
    url, ledger = stack.variables["DATABASE_URL"], Ledger(stack.folder / "effects")
    people = People(workload, budget.pk, limit, ledger)
    harness = Harness(stack, people, url, lease, say)
    accounts = Accounts(url, harness.over)
    people.console(
        lambda: Rest(stack.address, token, harness.over),
        lambda: Rows(url, harness.over),
        harness.over,
        harness.workers_move,
    )
    try:
        stack.ensure(FAULTS_CLOCKS=str(harness.clocks), FAULTS_LEASE_SECONDS=str(lease))
        say("all is up")
        accounts.start()
        people.begin()
        harness.play(faults(seed, len(KINDS) + runs // 10, 1.0 if many else PACE), patience=180 + 3 * runs)
        say("nothing is under way any more")
    except BaseException:
        print(log_of(stack.folder, [*RUN_WORKERS, "sweeps", "web"]))
        raise
    finally:
        harness.end()
        people.end()
        accounts.join()
        connection.close()
    say(f"faults: {_counted(harness.struck)}")
    say(f"people: {_counted(people.did)}; {people.raises} limits raised")
    say(f"ended by themselves and started again: {_counted(harness.died_by_themselves) or 'none'}")
    evidence = Evidence(workload, people, ledger, accounts, harness.log)
    say(f"runs: {_counted(Counter(run.status for run in evidence.runs.values()))}; {_kinds(evidence)}")
    say(f"calls: {_counted(Counter(call.status for call in evidence.calls.values()))}")
    say(
        f"SEED={seed}: {len(evidence.runs)} runs, {sum(harness.struck.values())} faults, "
        f"{sum(map(len, evidence.recovered.values()))} recoveries, {len(evidence.doubts)} calls in doubt, "
        f"{len(evidence.given_up)} given up, {time.monotonic() - begin:.0f} s"
    )
    return evidence


def _kinds(evidence: Evidence) -> str:
    """How many of the runs people started, and how many came from others."""
    runs = evidence.runs.values()
    return (
        f"{len(evidence.of_people())} started, {sum(bool(run.parent_call_id) for run in runs)} handed over, "
        f"{sum(bool(run.plan_step_id) for run in runs)} for steps of plans, "
        f"{sum(bool(run.forked_from_id) for run in runs)} forks, {sum(bool(run.undoes_id) for run in runs)} undoing"
    )


def _prepare(limit: Decimal) -> tuple[Budget, str]:
    """A team with agents, a policy, a budget, and a superuser's token for everybody at the console."""
    for model, output in ((MODEL, "50"), (LONG_MODEL, "2")):
        prices = {"input_usd": "0.1", "output_usd": output, "cache_read_usd": "0.01", "cache_write_usd": "0.125"}
        ModelPrice.objects.create(model=model, **{name: Decimal(price) for name, price in prices.items()})
    team = factories.team()
    person = factories.person(team, is_superuser=True)
    actor = Actor(person)
    short = {"tools": TOOLS, "model_chain": [MODEL], "max_output_tokens": 256}
    long = {"tools": TOOLS, "model_chain": [LONG_MODEL], "max_output_tokens": 8192, "max_parallel_children": 2}
    kinds: dict[str, dict[str, Any]] = {
        "single": short,
        "worker": short,
        "parent": {**long, "delegates_to": [WORKER]},
        "planner": {**long, "planning": "plan"},
        "reviewed": {**long, "planning": "reviewed"},
    }
    for role in ("worker", *ROLES):
        limits = {"max_cost_usd": MOST_A_RUN, "max_steps": 200}
        factories.agent(team, AGENT.format(role=role), **limits, **kinds[role])
    blank = dict.fromkeys(FIELDS, "") | {"agent": "*", "taint": "any", "timer_seconds": None}
    policy = save_draft(actor, open_policy(actor, team), [{**blank, **rule} for rule in RULES])
    publish_policy(actor, policy)
    budget = save_budget(actor, Budget(team=team, period="day", limit_usd=limit))
    _, token = create_token(person, "faults", SCOPES)
    return budget, token


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
