"""What a provider is to the gateway: one attempt at one model, streamed into a transcript, or a classified fault."""

from __future__ import annotations

from typing import Protocol

from agentops.core.errors import AgentOpsError
from agentops.core.models import ModelRequest

from ..transcript import Transcript

READ_SECONDS = 60.0
LEAST_THINKING_TOKENS = 1024
"""The API refuses a smaller thinking budget."""


class ProviderFault(AgentOpsError):
    """Why an attempt failed. `kind` is one of the kinds of `ModelFailed`; `retry_after` is in seconds."""

    def __init__(self, kind: str, message: str, *, retry_after: float | None = None, request_id: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after = retry_after
        self.request_id = request_id


class Provider(Protocol):
    name: str

    async def stream(self, model: str, request: ModelRequest, number: int, transcript: Transcript) -> None:
        """Fill `transcript` to its end. Raises ProviderFault or CancelledError, nothing else; what had arrived
        by then stays in the transcript, because it is billed."""
        ...

    async def count(self, model: str, request: ModelRequest) -> int | None:
        """Input tokens of the request as the provider would bill them; None where it cannot say, for now or at all."""
        ...

    async def aclose(self) -> None: ...
