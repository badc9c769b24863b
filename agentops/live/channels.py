"""Names in Redis: the channels that carry live updates, and the keys that number the changes of lists."""

from __future__ import annotations

from uuid import UUID

CONTROL = "control"
"""Orders to workers: {"run": id, "order": "cancel" | "pause"}. Hints; the run's row says what is so."""

ACCESS = "access"
"""Ids of people whose sign-ins or roles changed, as JSON. A hint: the heartbeat looks anyway."""

LISTS = ("approvals", "runs")


def of_run(run_id: UUID | str) -> str:
    return f"run:{run_id}"


def of_team(team_id: int) -> str:
    return f"team:{team_id}"


def version_key(team_id: int, name: str) -> str:
    """How often the team's list of this name changed."""
    return f"version:team:{team_id}:{name}"


def worker_key(name: str) -> str:
    """Present while the worker lives; its value is what it says of itself, as JSON (`roster.Living`)."""
    return f"worker:{name}"
