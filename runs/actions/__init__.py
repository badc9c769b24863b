"""Everything people and programs do to runs, agents and budgets. Pages, REST, commands and the admin call these."""

from .agents import AgentChanged, create_agent, edit_agent, switch_agent
from .budgets import delete_budget, save_budget
from .candidates import promote_candidate, share_candidate, withdraw_candidate
from .control import cancel_run, pause_run, resume_run
from .firing import deliver, fire_due, try_trigger
from .forking import fork_run
from .looking_up import look_up
from .publishing import publish_agent, roll_back
from .resolving import resolve_in_doubt
from .starting import start_run
from .steering import answer_question, continue_run, raise_limits, send_message
from .taking_over import hand_back, order_call, take_over
from .triggers import (
    change_trigger,
    create_trigger,
    delete_trigger,
    replace_secret,
    switch_trigger,
)
from .undoing import undo_call, undo_run
from .views import change_view, delete_view, save_view

__all__ = [
    "AgentChanged",
    "answer_question",
    "cancel_run",
    "change_trigger",
    "change_view",
    "continue_run",
    "create_agent",
    "create_trigger",
    "delete_budget",
    "delete_trigger",
    "delete_view",
    "deliver",
    "edit_agent",
    "fire_due",
    "fork_run",
    "hand_back",
    "look_up",
    "order_call",
    "pause_run",
    "promote_candidate",
    "publish_agent",
    "raise_limits",
    "replace_secret",
    "resolve_in_doubt",
    "resume_run",
    "roll_back",
    "save_budget",
    "save_view",
    "send_message",
    "share_candidate",
    "start_run",
    "switch_agent",
    "switch_trigger",
    "take_over",
    "try_trigger",
    "undo_call",
    "undo_run",
    "withdraw_candidate",
]
