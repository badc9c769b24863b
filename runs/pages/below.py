"""The runs below a run and the one above it: who does what for whom, how it stands, and what all of it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runs import tree
from runs.models import Run
from runs.tree import Node

SHOWN = 60
"""Runs that are listed; the sum counts more."""
NAMED = 3
"""Runs that the head names when it says what is waited for."""


@dataclass(slots=True)
class Twig:
    """One run of the list, with those below it that are listed."""

    run: Run
    twigs: list[Twig] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Below:
    twigs: list[Twig]
    count: int
    hidden: int
    """Of them, how many are not listed."""
    more: bool
    """There are even more than were counted."""
    cost_usd: Decimal
    """Of this run and all below it."""
    waits_for: list[Run]
    """Those right below it that have not ended."""

    @property
    def named(self) -> list[Run]:
        return self.waits_for[:NAMED]

    @property
    def unnamed(self) -> int:
        return max(len(self.waits_for) - NAMED, 0)


def of(run: Run) -> dict[str, Any]:
    """In a constant number of queries; none for a run that stands alone and can hand nothing over."""
    return {"below": _below(run) if _may_have_some(run) else None, "part_of": _part_of(run) if run.parent_id else None}


def _may_have_some(run: Run) -> bool:
    version = run.version
    return version is None or version.starts_runs


def _below(run: Run) -> Below | None:
    top = tree.below(run)
    every = [node.run for node in _walk(top)]
    if not every:
        return None
    left = [SHOWN]
    twigs = _listed(top, left)
    return Below(
        twigs,
        len(every),
        len(every) - (SHOWN - left[0]),
        len(every) >= tree.MOST - 1,
        sum((other.cost_usd for other in every), run.cost_usd),
        [] if run.is_final else [node.run for node in top.children if not node.run.is_final],
    )


def _walk(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from _walk(child)


def _listed(node: Node, left: list[int]) -> list[Twig]:
    """All of one level before what is below them, until there is no room."""
    twigs = []
    for child in node.children:
        if left[0] <= 0:
            break
        left[0] -= 1
        twigs.append((Twig(child.run), child))
    for twig, child in twigs:
        twig.twigs = _listed(child, left)
    return [twig for twig, _ in twigs]


def _part_of(run: Run) -> Run:
    """The run itself, with the one above and what there asked for it."""
    return Run.objects.select_related("parent", "plan_step__plan", "parent_call__step").get(pk=run.pk)
