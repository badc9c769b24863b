"""Outer budgets: slices drawn for runs, and given back. A run's own limit is on its row; here is what runs share.

Accounts are always locked narrow scope first, "everything" last, in one statement, after the run's row: no deadlocks.
Before them their budgets are kept from being deleted; who deletes one locks it first as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from agentops.core.errors import BudgetRefused

from .statements import all_rows, first_row

SLICE_STEPS = 4
"""A slice lasts for about so many steps, so that a step touches only its run's row."""

BINDS = """(b.team_id IS NULL OR b.team_id = %(team)s::bigint)
  AND (b.agent_id IS NULL OR b.agent_id = %(agent)s::bigint)
  AND (b.user_id IS NULL OR b.user_id = %(user)s::bigint)"""
NARROW_FIRST = "b.team_id IS NULL, b.agent_id IS NULL AND b.user_id IS NULL"
TODAY = "(now() AT TIME ZONE %(zone)s::text)::date"
STARTS_ON = f"CASE b.period WHEN 'day' THEN {TODAY} ELSE date_trunc('month', {TODAY})::date END"
"""By the database's clock: a worker whose own is wrong spends nothing of another day."""

ANY = f"SELECT 1 FROM runs_budget b WHERE {BINDS} LIMIT 1"  # noqa: S608 - parts of our own

ACCOUNTS = f"""
INSERT INTO runs_account (budget_id, starts_on, spent, held)
SELECT b.id, {STARTS_ON}, 0, 0 FROM runs_budget b WHERE {BINDS} ORDER BY {NARROW_FIRST}, b.id FOR KEY SHARE OF b
ON CONFLICT DO NOTHING
"""  # noqa: S608 - parts of our own

LOCK = f"""
SELECT a.id FROM runs_account a JOIN runs_budget b ON b.id = a.budget_id
WHERE a.id = ANY(%(also)s::bigint[]) OR ({BINDS} AND a.starts_on = {STARTS_ON})
ORDER BY {NARROW_FIRST}, a.id FOR UPDATE OF a
"""  # noqa: S608 - as above

READ = f"""
SELECT a.id, b.limit_usd - a.spent AS unspent, a.held, b.limit_usd, b.period,
    CASE WHEN b.team_id IS NULL THEN 'everything' WHEN b.agent_id IS NOT NULL THEN 'this agent'
        WHEN b.user_id IS NOT NULL THEN 'this person' ELSE 'the team' END
FROM runs_account a JOIN runs_budget b ON b.id = a.budget_id
WHERE a.id = ANY(%(locked)s::bigint[]) AND {BINDS} AND a.starts_on = {STARTS_ON}
ORDER BY {NARROW_FIRST}, a.id
"""  # noqa: S608 - as above

HOLD = "UPDATE runs_account SET held = held + %(amount)s::numeric WHERE id = ANY(%(accounts)s::bigint[])"

MOVE = f"""
UPDATE runs_account SET spent = spent + %(spent)s::numeric, held = held + %(held)s::numeric
WHERE id IN (
    SELECT a.id FROM runs_account a JOIN runs_budget b ON b.id = a.budget_id WHERE a.id = ANY(%(accounts)s::bigint[])
    ORDER BY {NARROW_FIRST}, a.id FOR UPDATE OF a)
"""  # noqa: S608 - as above

LOCK_THESE = f"""
SELECT a.id FROM runs_account a JOIN runs_budget b ON b.id = a.budget_id WHERE a.id = ANY(%(accounts)s::bigint[])
ORDER BY {NARROW_FIRST}, a.id FOR UPDATE OF a
"""  # noqa: S608 - as above

RENEWS_IN = """
SELECT extract(epoch FROM
    (date_trunc(%(period)s, now() AT TIME ZONE %(zone)s) + %(length)s::interval) AT TIME ZONE %(zone)s - now())
"""


@dataclass(frozen=True, slots=True)
class Slice:
    accounts: list[int]
    amount: Decimal


NOTHING = Slice([], Decimal(0))


def draw(
    team_id: int,
    need: Decimal,
    ends: Slice = NOTHING,
    spent: Decimal = Decimal(0),
    *,
    agent_id: int | None = None,
    user_id: int | None = None,
) -> Slice:
    """Hold `SLICE_STEPS` times `need` USD in every budget over such a run, or what is left but at least `need`.

    A run is its team's, its agent's, and that of the person who started it.

    In place of the slice that `ends`, of which `spent` USD were spent. The accounts of both are locked together, in
    their order: the day may have turned, or a budget been added, between them.

    To be called in a transaction that has locked the run. Raises BudgetRefused when not even `need` fits. Without
    budgets the slice is free, and is drawn again after as many steps: a new budget binds runs under way.
    """
    parameters = {"team": team_id, "agent": agent_id, "user": user_id, "zone": _zone()}
    amount = need * SLICE_STEPS
    if not ends.accounts and not first_row(ANY, parameters):
        return Slice([], amount)
    all_rows(ACCOUNTS, parameters)
    locked = [row[0] for row in all_rows(LOCK, {**parameters, "also": ends.accounts})]
    give_back(ends.accounts, ends.amount, spent)
    rows = all_rows(READ, {**parameters, "locked": locked})
    for _id, unspent, held, limit, period, scope in rows:
        if unspent - held < need:
            raise _refused(unspent, need, limit, scope, period)
        amount = min(amount, unspent - held)
    accounts = [row[0] for row in rows]
    if accounts:
        all_rows(HOLD, {"amount": amount, "accounts": accounts})
    return Slice(accounts, amount)


def lock(accounts: list[int]) -> None:
    """Before several slices are ended in one transaction: all their accounts, in the one order."""
    if accounts:
        all_rows(LOCK_THESE, {"accounts": accounts})


def give_back(accounts: list[int], drawn: Decimal, spent: Decimal) -> None:
    """End a slice (or part of one): what was spent is booked, what was drawn is free again."""
    if accounts and (drawn or spent):
        all_rows(MOVE, {"spent": spent, "held": -drawn, "accounts": accounts})


def today() -> date:
    """The ledger's day for pages, in the installation's time zone; what is spent goes by the database's clock."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


def _zone() -> str:
    return timezone.get_current_timezone_name()  # a worker has no other than the installation's


def _refused(unspent: Decimal, need: Decimal, limit: Decimal, scope: str, period: str) -> BudgetRefused:
    spent = unspent < need
    left = max(unspent, Decimal(0))
    why = "is used up" if spent else "is held by other runs for now"
    return BudgetRefused(
        f"The budget for {scope} of {limit:.2f} USD a {period} {why}: {left:.4f} USD are left and the next step may "
        f"need {need:.4f}.",
        spent=spent,
        renews_in=_seconds_left(period),
    )


def _seconds_left(period: str) -> float:
    """Until the next day or month begins, in the installation's time zone."""
    with connection.cursor() as cursor:
        cursor.execute(RENEWS_IN, {"period": period, "length": f"1 {period}", "zone": _zone()})
        (seconds,) = cursor.fetchone()
    return max(float(seconds), 1.0)
