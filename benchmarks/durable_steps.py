"""Durable steps a second: the real worker loop, journal, policy and PostgreSQL with fsync on; a scripted model.

A step is a model's turn and the tool call it asks for, and is twice on disk: before the tool runs, and after. So it is
with the peers: two nodes of a graph, saved before the next begins (LangGraph), two steps of a workflow (DBOS).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from django.conf import settings

from runs import worker
from runs.models import Run

from . import rows
from .peering import Peers
from .peers import measuring
from .result import Result
from .scripted import Scripted


@dataclass(frozen=True, slots=True)
class Size:
    """`faster`: how many times as many steps a second as LangGraph there are to be."""

    name: str
    steps: int
    at_once: int
    rounds: int
    faster: float

    @property
    def task(self) -> dict[str, int]:
        return {"steps": self.steps, "at_once": self.at_once, "rounds": self.rounds}


SIZES = (
    Size("one run of 10 steps", 10, 1, 30, 1),
    Size("50 runs of 10 steps at once", 10, 50, 5, 1),
    Size("one run of 200 steps", 200, 1, 3, 2),
    Size("50 runs of 200 steps at once", 200, 50, 1, 2),
)
THREADS = 50
"""As with the peers: there from the beginning."""
LENGTHENED = 1.1
"""A step of a long run may write so many times as much as one of a short run: room for the noise of page images."""


def measure(peers: Peers, sizes: tuple[Size, ...] = SIZES) -> Iterator[Result]:
    ours = [_ours(size) for size in sizes]
    tasks = [size.task for size in sizes]
    langgraph = peers.run("langgraph_steps", "sync", tasks=tasks)
    eager = peers.run("langgraph_steps", "async", tasks=tasks[:2])
    dbos = peers.run("dbos_steps", tasks=tasks)
    for index, size in enumerate(sizes):
        name, mine = f"durable steps, {size.name}", ours[index]
        for label, them, bar in (
            ("LangGraph", langgraph, size.faster),
            ("LangGraph, saving behind", eager[: len(sizes)] if eager else None, None),
            ("DBOS", dbos, None),
        ):
            if them is None or index >= len(them):
                if label == "LangGraph":
                    yield Result(name, "steps/s", mine["steps_a_second"])
                    yield Result(f"CPU, {size.name}", "ms/step", mine["cpu_ms"], higher_is_better=False)
                continue
            beside = "" if label == "LangGraph" else f", beside {label}"
            peer = them[index]["steps_a_second"]
            yield Result(
                f"{name}{beside}",
                "steps/s",
                mine["steps_a_second"],
                peer * bar if bar else None,
                peer=peer,
                peer_name=label,
            )
            if label != "LangGraph, saving behind":
                cpu = {"peer": them[index]["cpu_ms"], "peer_name": label}
                yield Result(f"CPU, {size.name}{beside}", "ms/step", mine["cpu_ms"], higher_is_better=False, **cpu)
    yield from _written(sizes, ours, langgraph)


def _written(
    sizes: tuple[Size, ...], ours: list[dict[str, float]], langgraph: list[dict[str, float]] | None
) -> Iterator[Result]:
    """Of runs alone: 50 at once share page images."""
    first: float | None = None
    for index, size in enumerate(sizes):
        if size.at_once == 1:
            mine = ours[index]["wal_bytes"]
            peer = langgraph[index]["wal_bytes"] if langgraph else None
            bar = first * LENGTHENED if first else None
            yield Result(f"WAL, {size.name}", "B/step", mine, bar, False, peer, "LangGraph" if peer else "")
            first = first or mine


def _ours(size: Size) -> dict[str, float]:
    model, found = Scripted("bench_look", size.steps), rows.agent()
    queued: dict[str, int] = {}
    with closing(worker.Worker(model)) as here, ThreadPoolExecutor(max(THREADS, size.at_once)) as threads:

        def carry_out(runs: int, steps: int) -> None:
            model.steps = steps
            ids = [str(run.pk) for run in rows.queue(found, runs)]
            queued.update(dict.fromkeys(ids, steps))
            list(threads.map(here.advance, ids))

        taken = measuring.figures(settings.ENV.database_url, carry_out, **size.task)
    ended = dict(Run.objects.filter(pk__in=queued, status=Run.Status.SUCCEEDED).values_list("pk", "steps"))
    if {str(pk): steps for pk, steps in ended.items()} != queued:
        raise RuntimeError(f"Only {len(ended)} of {len(queued)} runs came to their end.")
    return taken
