"""Makes the context that a tool is called with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agentops.core.tools import ToolContext


def context(workspace: Path = Path("/nonexistent"), *, call_id: str = "call-1", **settings: Any) -> ToolContext:
    return ToolContext(
        run_id="run-1", call_id=call_id, team_id=1, agent="tester", workspace=workspace, settings=settings
    )
