"""Everything people and programs do to runs, agents and budgets. Pages, REST, commands and the admin call these."""

from .budgets import delete_budget, save_budget
from .control import cancel_run, pause_run, resume_run
from .publishing import publish_agent
from .resolving import resolve_in_doubt
from .starting import start_run

__all__ = [
    "cancel_run",
    "delete_budget",
    "pause_run",
    "publish_agent",
    "resolve_in_doubt",
    "resume_run",
    "save_budget",
    "start_run",
]
