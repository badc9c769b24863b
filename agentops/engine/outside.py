"""What the loop reaches the world through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentops.core.models import Delta, Model
from agentops.core.tools import Toolbox

from .calls import Render
from .journal import Journal
from .room import Window
from .state import RunState

MOST_TRIES = 8
"""After so many workers died (or back-offs passed) in one step, the step is the cause: the run fails."""


@dataclass(frozen=True, slots=True)
class Outside:
    """One run's surroundings, put together by whoever carries it."""

    model: Model
    toolbox: Toolbox
    journal: Journal
    render: Render
    show: Callable[[int, Delta], None]
    """Streams a piece of step N to whoever watches."""
    workspace: Path
    tool_settings: dict[str, Any]
    unmet: Callable[[RunState, str, Any], str] = lambda state, answer, data: ""
    """What an answer (its words, its data) still misses of the agent's success criteria; "" when nothing."""
    window: Window | None = None
    """The room that a request has; None: as much as there is."""
    backoff: tuple[float, ...] = (10.0, 60.0, 300.0)
    """Seconds a run waits, without a slot, after every model has failed; after the last it fails."""
