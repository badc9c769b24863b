"""A look at the rows past the product, on a connection that comes back; and the budgets, looked at all the time."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

import psycopg

BUDGETS = """
SELECT b.id, a.starts_on, b.limit_usd, a.spent, a.held FROM runs_account a JOIN runs_budget b ON b.id = a.budget_id
"""


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
    """Keeps every moment at which a budget was overshot, and how close one came."""

    def __init__(self, url: str, over: threading.Event) -> None:
        super().__init__(name="accounts", daemon=True)
        self._url, self._over = url, over
        self.looks = 0
        self.overshot: list[tuple[Any, ...]] = []
        self.fullest = Decimal(0)
        """The largest share of a limit that was spent or held."""

    def run(self) -> None:
        rows = Rows(self._url, self._over)
        while not self._over.wait(0.03):
            for row in rows.all(BUDGETS):
                _, _, limit, spent, held = row
                self.looks += 1
                self.fullest = max(self.fullest, (spent + held) / limit)
                if spent + held > limit:
                    self.overshot.append(row)
        rows.close()
