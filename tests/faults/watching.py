"""A look at the rows past the product, on a connection that comes back; and all money, looked at all the time."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

import psycopg

BUDGETS = """
SELECT b.id, a.starts_on, b.limit_usd, a.spent, a.held FROM runs_account a JOIN runs_budget b ON b.id = a.budget_id
"""
LENT = """
SELECT p.id::text, p.max_cost_usd, p.cost_usd + p.held_usd, lent.cost FROM runs_run p, LATERAL (
    WITH RECURSIVE below AS (
        SELECT id, ended_at IS NULL AS living FROM runs_run WHERE parent_id = p.id
        UNION ALL
        SELECT r.id, r.ended_at IS NULL FROM runs_run r JOIN below b ON r.parent_id = b.id WHERE NOT b.living
    )
    SELECT sum(CASE WHEN b.living THEN r.max_cost_usd ELSE r.cost_usd + r.held_usd END) AS cost
    FROM below b JOIN runs_run r ON r.id = b.id
) AS lent
WHERE p.ended_at IS NULL AND p.id IN (SELECT parent_id FROM runs_run WHERE parent_id IS NOT NULL)
    AND p.cost_usd + p.held_usd + lent.cost > p.max_cost_usd
"""
"""Runs that have used, hold and have lent to runs below them more than they were given."""


class Rows:
    """For one thread. A database that is away is waited for until `over`."""

    def __init__(self, url: str, over: threading.Event) -> None:
        self._url = url
        self._over = over
        self._connection: psycopg.Connection[Any] | None = None

    def all(self, sql: str, *parameters: Any) -> list[Any]:
        while True:
            try:
                if self._connection is None or self._connection.broken:
                    self._connection = psycopg.connect(self._url, autocommit=True, application_name="harness")
                return self._connection.execute(sql, parameters).fetchall()
            except psycopg.OperationalError:
                self.close()
                if self._over.is_set():
                    return []
                time.sleep(0.05)

    def one(self, sql: str, *parameters: Any) -> Any:
        rows = self.all(sql, *parameters)
        return rows[0][0] if rows else None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Accounts(threading.Thread):
    """Keeps every moment at which a budget was overshot, how close one came, and each run that lent what it had not."""

    def __init__(self, url: str, over: threading.Event) -> None:
        super().__init__(name="accounts", daemon=True)
        self._url, self._over = url, over
        self.looks = 0
        self.overshot: list[tuple[Any, ...]] = []
        self.fullest = Decimal(0)
        """The largest share of a limit that was spent or held."""
        self.overlent: dict[str, tuple[Any, ...]] = {}

    def run(self) -> None:
        rows = Rows(self._url, self._over)
        looked = 0.0
        while not self._over.wait(0.05):
            for row in rows.all(BUDGETS):
                _, _, limit, spent, held = row
                self.looks += 1
                self.fullest = max(self.fullest, (spent + held) / limit)
                if spent + held > limit:
                    self.overshot.append(row)
            if time.monotonic() > looked + 0.5:
                looked = time.monotonic()
                self.overlent |= {row[0]: row for row in rows.all(LENT)}
        rows.close()
