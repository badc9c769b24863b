"""What agents are and what they did."""

from .agent import Agent, AgentVersion
from .figures import DailySpend, FiguresClock, HourlyDecisions, HourlyRuns, HourlySpend, HourlyTools, StaleHour
from .ledger import Account, Budget, BudgetChange, ModelPrice
from .message import RunMessage
from .outbox import OutboxMessage
from .run import Event, IdempotencyKey, Run
from .step import ModelCall, Step, ToolCall
from .view import SavedView
from .words import RunWords

__all__ = [
    "Account",
    "Agent",
    "AgentVersion",
    "Budget",
    "BudgetChange",
    "DailySpend",
    "Event",
    "FiguresClock",
    "HourlyDecisions",
    "HourlyRuns",
    "HourlySpend",
    "HourlyTools",
    "IdempotencyKey",
    "ModelCall",
    "ModelPrice",
    "OutboxMessage",
    "Run",
    "RunMessage",
    "RunWords",
    "SavedView",
    "StaleHour",
    "Step",
    "ToolCall",
]
