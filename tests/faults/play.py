"""One play of the harness, from empty tables to the evidence: the team, its people, the runs, the faults, the end."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal

from django.db import connection

from agentops.accounts.access import SCOPES, Actor
from agentops.accounts.tokens import create_token
from approvals.actions import open_policy, publish_policy, save_draft
from approvals.rules import FIELDS
from runs.actions import save_budget
from runs.models import Agent, Budget, ModelPrice
from tests.acceptance.stack import RUN_WORKERS, Stack
from tests.api import factories

from .effects.ledger import Ledger
from .harness import Harness, log_of
from .invariants import Evidence
from .people import People
from .rest import Rest
from .schedule import KINDS, faults
from .watching import Accounts, Rows
from .workload import MODEL, RULES, TOOLS, Workload

LEASE = 3.0
"""Seconds."""
LIMIT_A_RUN = Decimal("0.02")
"""USD; a run costs more."""


def play(stack: Stack, seed: int, runs: int) -> Evidence:
    """Raises AssertionError when it does not come to its end."""
    begin = time.monotonic()
    print(f"\nSEED={seed} RUNS={runs}", flush=True)

    def say(what: str) -> None:
        print(f"{time.monotonic() - begin:7.1f} s  {what}", flush=True)

    workload = Workload(seed, runs)
    limit = max(LIMIT_A_RUN * runs, Decimal("0.20")).quantize(Decimal("0.01"))
    agent, budget, token = _prepare(limit)
    connection.close()
    url, ledger = stack.variables["DATABASE_URL"], Ledger(stack.folder / "effects")
    people = People(workload, agent.name, budget.pk, limit, ledger)
    harness = Harness(stack, people, url, LEASE, say)
    accounts = Accounts(url, harness.over)
    people.console(
        lambda: Rest(stack.address, token, harness.over),
        lambda: Rows(url, harness.over),
        harness.over,
        harness.workers_move,
    )
    try:
        stack.ensure(FAULTS_CLOCKS=str(harness.clocks), FAULTS_LEASE_SECONDS=str(LEASE))
        say("all is up")
        accounts.start()
        people.begin()
        harness.play(faults(seed, len(KINDS) + runs // 10), patience=180 + 3 * runs)
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
    evidence = Evidence(workload, people.started, ledger, accounts, people.raises)
    say(f"runs: {_counted(Counter(run.status for run in evidence.runs.values()))}")
    say(f"calls: {_counted(Counter(call.status for call in evidence.calls.values()))}")
    return evidence


def _prepare(limit: Decimal) -> tuple[Agent, Budget, str]:
    """A team with an agent, a policy, a budget, and a superuser's token for everybody at the console."""
    prices = {"input_usd": "0.1", "output_usd": "50", "cache_read_usd": "0.01", "cache_write_usd": "0.125"}
    ModelPrice.objects.create(model=MODEL, **{name: Decimal(price) for name, price in prices.items()})
    team = factories.team()
    person = factories.person(team, is_superuser=True)
    actor = Actor(person)
    agent = factories.agent(
        team, tools=TOOLS, model_chain=[MODEL], max_output_tokens=256, max_cost_usd=Decimal(5), max_steps=200
    )
    blank = dict.fromkeys(FIELDS, "") | {"agent": "*", "taint": "any", "timer_seconds": None}
    policy = save_draft(actor, open_policy(actor, team), [{**blank, **rule} for rule in RULES])
    publish_policy(actor, policy)
    budget = save_budget(actor, Budget(team=team, period="day", limit_usd=limit))
    _, token = create_token(person, "faults", SCOPES)
    return agent, budget, token


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
