"""Everything that changes a request or a policy: pages, REST, timers and the admin call these."""

from .deciding import decide
from .publishing import publish_policy
from .requests import close_requests, freeze, open_request, unfreeze
from .timers import fire_due_timers

__all__ = [
    "close_requests",
    "decide",
    "fire_due_timers",
    "freeze",
    "open_request",
    "publish_policy",
    "unfreeze",
]
