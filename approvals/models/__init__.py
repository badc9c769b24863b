"""Risk policy and review queue: what may happen at once, what waits for whom, and who decided what."""

from .history import Decision, Inquiry, InquiryQuerySet, SweepClock
from .policy import Policy, PolicyVersion, Rule, Tier, ToolTier
from .request import SOON, ApprovalRequest, RequestQuerySet

__all__ = [
    "SOON",
    "ApprovalRequest",
    "Decision",
    "Inquiry",
    "InquiryQuerySet",
    "Policy",
    "PolicyVersion",
    "RequestQuerySet",
    "Rule",
    "SweepClock",
    "Tier",
    "ToolTier",
]
