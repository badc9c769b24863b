"""The errors of the library, one small tree. Each message says what happened, why, and what to do next."""

from __future__ import annotations


class AgentOpsError(Exception):
    """Anything this project raises on purpose. `str(error)` is fit to show a person."""


class InvalidInput(AgentOpsError):
    """What somebody sent cannot be used. `field` names the part at fault ("" when it is the whole)."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NotAllowed(AgentOpsError):
    """The person or token may not do this; the message says who can."""


class Conflict(AgentOpsError):
    """Somebody or something else was first; nothing was changed."""


class LeaseLost(AgentOpsError):
    """This worker no longer owns the run (its lease ran out, or a person stopped it): it must write nothing more."""


class BudgetRefused(AgentOpsError):
    """A reservation did not fit.

    `spent` is true when the budget is used up (a person must raise it or the period must end), false when only
    other runs' holds stand in the way (they will be given back). `renews_in`: seconds until its period ends.
    """

    def __init__(self, message: str, *, spent: bool, renews_in: float | None = None) -> None:
        super().__init__(message)
        self.spent = spent
        self.renews_in = renews_in
