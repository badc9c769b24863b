"""Everything people and programs do to runs, agents and budgets. Pages, REST, commands and the admin call these."""

from .agents import AgentChanged, create_agent, edit_agent, switch_agent
from .budgets import delete_budget, save_budget
from .candidates import promote_candidate, share_candidate, withdraw_candidate
from .control import cancel_run, pause_run, resume_run
from .publishing import publish_agent, roll_back
from .resolving import resolve_in_doubt
from .starting import start_run
from .steering import answer_question, continue_run, raise_limits, send_message
from .views import change_view, delete_view, save_view

__all__ = [
    "AgentChanged",
    "answer_question",
    "cancel_run",
    "change_view",
    "continue_run",
    "create_agent",
    "delete_budget",
    "delete_view",
    "edit_agent",
    "pause_run",
    "promote_candidate",
    "publish_agent",
    "raise_limits",
    "resolve_in_doubt",
    "resume_run",
    "roll_back",
    "save_budget",
    "save_view",
    "send_message",
    "share_candidate",
    "start_run",
    "switch_agent",
    "withdraw_candidate",
]
