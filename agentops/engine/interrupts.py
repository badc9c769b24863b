"""What ends a turn of the loop early. Each carries what the journal is to write down."""

from __future__ import annotations

from typing import Any

from agentops.core.states import RunStatus, StopReason, WaitingOn


class Interrupt(Exception):
    """The run leaves its worker."""


class Wait(Interrupt):
    """The run waits, without a slot. `wake_after` in seconds; None waits for somebody's deed alone."""

    def __init__(self, on: WaitingOn, wake_after: float | None = None, detail: str = "") -> None:
        super().__init__(on)
        self.on = on
        self.wake_after = wake_after
        self.detail = detail


class Pause(Interrupt):
    """A person asked for a pause; the run stands at a step's boundary."""


class Release(Interrupt):
    """This worker is shutting down; another takes the run at once."""


class End(Interrupt):
    """The run is over. `outcome`: completed, not_completed, or "" where nothing says what completed means."""

    def __init__(
        self,
        reason: StopReason,
        answer: str = "",
        detail: str = "",
        *,
        data: Any = None,
        outcome: str = "",
        outcome_detail: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer
        self.detail = detail
        self.data = data
        """The answer as the agent's schema has it."""
        self.outcome = outcome
        self.outcome_detail = outcome_detail

    @property
    def status(self) -> RunStatus:
        return RunStatus.SUCCEEDED if self.reason is StopReason.ANSWERED else RunStatus.FAILED
