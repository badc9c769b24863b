"""The tree that runs stand in: who is above and below whom.

Locks go down: a run's before those of the runs below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from .models import Run

MOST = 500
"""Runs of a tree that are shown."""

ABOVE = """
WITH RECURSIVE above AS (
    SELECT parent_id, 1 AS far FROM runs_run WHERE id = %s
    UNION ALL
    SELECT r.parent_id, a.far + 1 FROM runs_run r JOIN above a ON r.id = a.parent_id
)
SELECT parent_id FROM above WHERE parent_id IS NOT NULL ORDER BY far DESC
"""

BELOW = """
WITH RECURSIVE below AS (
    SELECT id FROM runs_run WHERE id = %s
    UNION ALL
    SELECT r.id FROM runs_run r JOIN below b ON r.parent_id = b.id
)
SELECT id FROM below LIMIT %s
"""


def above(run_id: UUID | str) -> list[UUID]:
    """Those above it, the topmost first."""
    with connection.cursor() as cursor:
        cursor.execute(ABOVE, [run_id])
        return [row[0] for row in cursor.fetchall()]


def locked(run: Run) -> Run:
    """The run under its lock, those above it locked before it."""
    if run.parent_id:
        for one in above(run.pk):
            list(Run.objects.select_for_update().filter(pk=one).values_list("pk"))
    return Run.objects.select_for_update().get(pk=run.pk)


def locked_below(run_id: UUID | str) -> list[Run]:
    """All living runs below a locked one, locked level by level: none can be added once the one above is locked."""
    found: list[Run] = []
    level: list[Any] = [run_id]
    while level:
        rows = list(Run.objects.select_for_update().live().filter(parent__in=level).order_by("id"))
        found += rows
        level = [row.pk for row in rows]
    return found


@dataclass(slots=True)
class Node:
    run: Run
    children: list[Node] = field(default_factory=list)

    def every(self) -> Iterator[Run]:
        """All below it."""
        for child in self.children:
            yield child.run
            yield from child.every()


def below(run: Run) -> Node:
    """The run and those below it; the first `MOST` runs of the tree. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(BELOW, [run.pk, MOST])
        ids = [row[0] for row in cursor.fetchall()]
    rows = Run.objects.filter(pk__in=ids).select_related("agent", "plan_step").order_by("depth", "created_at", "id")
    nodes: dict[UUID, Node] = {}
    for row in rows:
        nodes[row.pk] = Node(row)
        if row.pk != run.pk and row.parent_id in nodes:
            nodes[row.parent_id].children.append(nodes[row.pk])
    return nodes[run.pk]
