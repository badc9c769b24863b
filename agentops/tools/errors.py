"""What goes wrong with tools: a definition that cannot stand, and a failure that a tool reports itself."""

from __future__ import annotations

from agentops.core.errors import AgentOpsError


class ToolDefinitionError(AgentOpsError):
    """A tool is declared wrongly. Raised at import, so that it is never found out during a run."""


class ToolError(AgentOpsError):
    """Raised by a tool: it did not do what was asked, and says why.

    The message and the hint (what to do next) are written for the model. Name `untrusted_source` when the
    message quotes content from outside.
    """

    def __init__(self, message: str, hint: str = "", *, untrusted_source: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.untrusted_source = untrusted_source
