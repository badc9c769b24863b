"""What stops the stack from coming up."""

from __future__ import annotations

from agentops.core.errors import AgentOpsError


class CannotStart(AgentOpsError):
    """The stack cannot come up, or cannot go on. The message says why and what to do."""
