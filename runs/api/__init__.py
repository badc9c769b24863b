"""REST of what there is to run, what it did, and what it may cost: a file a noun."""

from .agents import router as agents
from .budgets import router as budgets
from .models import router as models
from .plans import router as runs
from .tools import router as tools
from .triggers import router as triggers
from .workers import router as workers

__all__ = ["agents", "budgets", "models", "runs", "tools", "triggers", "workers"]
