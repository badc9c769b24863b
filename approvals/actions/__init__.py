"""Everything that changes a request or a policy: pages, REST, timers and the admin call these."""

from .asking import answer_inquiry, ask
from .claiming import claim, unclaim
from .deciding import decide
from .many import Outcome, decide_many
from .publishing import open_policy, publish_policy, roll_back_policy, save_draft
from .requests import close_requests, freeze, open_request, unfreeze
from .timers import fire_due_timers

__all__ = [
    "Outcome",
    "answer_inquiry",
    "ask",
    "claim",
    "close_requests",
    "decide",
    "decide_many",
    "fire_due_timers",
    "freeze",
    "open_policy",
    "open_request",
    "publish_policy",
    "roll_back_policy",
    "save_draft",
    "unclaim",
    "unfreeze",
]
