"""REST of the review queue and of the policies that fill it: a file a noun."""

from .deciding import router as approvals
from .policies import router as policies

__all__ = ["approvals", "policies"]
