"""What a request to a model holds, in tokens, part by part."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

COMPACT_AT = 0.8
"""Share of the room at which the conversation is shortened."""


@dataclass(frozen=True, slots=True)
class Parts:
    """`facts` is the reminder of goal, deeds and facts; `headroom` what is kept free for the answer."""

    system: int
    tools: int
    history: int
    facts: int
    headroom: int
    budget: int
    exact: bool = False
    """The provider counted it; else it is an estimate, corrected by what the provider reported before."""

    @property
    def used(self) -> int:
        return self.system + self.tools + self.history + self.facts

    @property
    def room(self) -> int:
        """What a request may hold. An answer's allowance that leaves next to nothing is cut into."""
        return max(self.budget - self.headroom, self.budget // 4)

    @property
    def line(self) -> int:
        """From here on the conversation is shortened."""
        return int(self.room * COMPACT_AT)

    def counted(self, tokens: int) -> Parts:
        """The same, as the provider counted the whole."""
        others = self.system + self.tools + self.facts
        return Parts(
            self.system, self.tools, max(tokens - others, 0), self.facts, self.headroom, self.budget, exact=True
        )

    def stored(self) -> dict[str, Any]:
        return asdict(self)
