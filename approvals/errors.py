"""What deciding can run into."""

from __future__ import annotations

from datetime import datetime

from agentops.core.errors import Conflict


class AlreadyDecided(Conflict):
    """Somebody or something acted on the request first. Says who, when and what."""

    def __init__(self, message: str, *, decided_by: str, decided_at: datetime, decision: str) -> None:
        super().__init__(message)
        self.decided_by = decided_by
        self.decided_at = decided_at
        self.decision = decision


class DraftChanged(Conflict):
    """Somebody changed the policy's draft since it was opened. Says who, when and what."""

    def __init__(self, message: str, *, changed_by: str, changed_at: datetime | None, change: str) -> None:
        super().__init__(message)
        self.changed_by = changed_by
        self.changed_at = changed_at
        self.change = change
