"""What agents are and what they did."""

from .agent import Agent, AgentVersion
from .figures import DailySpend, FiguresClock, HourlyDecisions, HourlyRuns, HourlySpend, HourlyTools, StaleHour
from .ledger import Account, Budget, BudgetChange, ModelPrice
from .message import RunMessage
from .outbox import OutboxMessage
from .plan import Plan, PlanStep
from .run import Event, IdempotencyKey, Run
from .step import ModelCall, Step, ToolCall
from .trigger import Firing, Trigger
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
    "Firing",
    "HourlyDecisions",
    "HourlyRuns",
    "HourlySpend",
    "HourlyTools",
    "IdempotencyKey",
    "ModelCall",
    "ModelPrice",
    "OutboxMessage",
    "Plan",
    "PlanStep",
    "Run",
    "RunMessage",
    "RunWords",
    "SavedView",
    "StaleHour",
    "Step",
    "ToolCall",
    "Trigger",
]
