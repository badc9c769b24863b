"""A run's share of the budgets over it, as the worker that holds the run knows it: drawn, spent, held for a step."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from . import ledger
from .journal import Change
from .models import Run


@dataclass(slots=True)
class Purse:
    """In USD. Right as long as the lease is: nobody else changes these columns meanwhile."""

    team_id: int
    agent_id: int | None
    user_id: int | None
    slice: ledger.Slice
    spent: Decimal
    held: Decimal

    @classmethod
    def of(cls, run: Run) -> Purse:
        slice_ = ledger.Slice(list(run.slice_accounts), run.slice_drawn)
        return cls(run.team_id, run.agent_id, run.started_by_id, slice_, run.slice_spent, run.held_usd)

    def covers(self, hold: Decimal, cost: Decimal) -> bool:
        """Whether what is left of the slice, after `cost`, covers the hold."""
        return self.slice.amount - self.spent - cost >= hold

    def refill(self, change: Change, hold: Decimal) -> None:
        """End the slice and draw another, in the transaction of the step that needs it. Raises BudgetRefused."""
        whose = {"agent_id": self.agent_id, "user_id": self.user_id}
        change.slice = ledger.draw(self.team_id, hold, self.slice, self.spent + change.cost, **whose)

    def give_back(self, change: Change) -> None:
        """A run that leaves gives back what is left of its slice, in the transaction in which it leaves."""
        if change.left and change.slice is not None:
            ledger.give_back(self.slice.accounts, self.slice.amount, self.spent + change.cost)

    def after(self, change: Change) -> None:
        """Once the change is committed."""
        if change.slice is not None:
            self.slice, self.spent = change.slice, Decimal(0)
        else:
            self.spent += change.cost
        if change.held is not None:
            self.held = change.held
