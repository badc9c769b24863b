"""REST of teams, their members, and tokens."""

from .teams import router as teams
from .tokens import router as tokens

__all__ = ["teams", "tokens"]
