"""What agents are and what they did."""

from .agent import Agent, AgentVersion
from .ledger import Account, Budget, ModelPrice
from .message import RunMessage
from .outbox import OutboxMessage
from .run import Event, IdempotencyKey, Run
from .step import ModelCall, Step, ToolCall

__all__ = [
    "Account",
    "Agent",
    "AgentVersion",
    "Budget",
    "Event",
    "IdempotencyKey",
    "ModelCall",
    "ModelPrice",
    "OutboxMessage",
    "Run",
    "RunMessage",
    "Step",
    "ToolCall",
]
