"""The benchmarks run: small sizes of the parts that need no process beside this one, and no peers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings

from agentops.simulator import scripted
from agentops.simulator.requests import parse
from benchmarks import document, durable_steps, gateway_call, hop, resume_latency, streaming, waiting
from benchmarks.document import DOCUMENT, markdown, renewed
from benchmarks.durable_steps import Size
from benchmarks.peering import Peers
from benchmarks.result import Result


class NoPeers(Peers):
    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))


class Peer(Peers):
    """Says of every task what it would have measured."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))

    def run(self, program: str, *arguments: str, **given: object) -> list[dict[str, float]]:
        return [{"steps_a_second": 1.0, "cpu_ms": 500.0, "wal_bytes": 10**6} for _ in given["tasks"]]  # type: ignore[attr-defined]


SIZES = (Size("one", 3, 1, 1, 1), Size("two at once", 2, 2, 1, 2))


@pytest.mark.django_db(transaction=True)
def test_durable_steps_without_peers_are_ours_alone() -> None:
    found = {result.name: result for result in durable_steps.measure(NoPeers(), SIZES)}
    assert set(found) == {
        "durable steps, one",
        "CPU, one",
        "durable steps, two at once",
        "CPU, two at once",
        "WAL, one",
    }
    assert all(result.ours > 0 and result.peer is None and result.bar is None for result in found.values())


@pytest.mark.django_db(transaction=True)
def test_the_bar_of_durable_steps_is_a_multiple_of_what_langgraph_did_in_the_same_run() -> None:
    found = {result.name: result for result in durable_steps.measure(Peer(), SIZES)}
    assert (found["durable steps, one"].bar, found["durable steps, two at once"].bar) == (1.0, 2.0)
    assert found["durable steps, one"].meets
    assert found["durable steps, one, beside DBOS"].bar is None
    assert found["CPU, one, beside DBOS"].ratio is not None


def test_a_scripted_call_takes_as_long_as_it_was_told() -> None:
    goal = streaming.script(2, 9.0)
    messages = [{"role": "user", "content": [{"type": "text", "text": goal}]}]
    request = {"model": "sim-1", "max_tokens": 10, "messages": messages, "tools": []}
    turn = scripted.turn(parse(json.dumps(request).encode(), 1))
    pieces = [piece for text in (turn.text, *(call.text for call in turn.tools)) for piece in turn.pieces(text)]
    assert turn.tools[0].name == "bench_look"
    assert turn.delay_ms is not None
    assert len(pieces) * turn.delay_ms == pytest.approx(9000)


def test_the_page_about_performance_has_the_figures_that_were_measured() -> None:
    text = DOCUMENT.read_text()
    assert renewed(text) == text, "write it anew: python -m benchmarks --table"


def test_the_table_names_what_was_missed_and_leaves_out_the_small_print() -> None:
    slow = Result("a call, p95", "ms", 7.0, 5, False, 3.5, "a peer")
    quick = Result("runs, 20,000 runs, p50", "ms", 3.0)
    table = markdown([slow.row, quick.row])
    assert "| a call, p95 | 7 ms | 5 | **missed** | a peer 3.5 | 2.00 |" in table
    assert "20,000" not in table


def test_every_part_can_be_asked_for() -> None:
    assert all(part.measure for part in (gateway_call, resume_latency, waiting, streaming))
    assert hop.app.conf.task_default_queue == hop.QUEUE
    assert current_app.conf.task_routes == settings.CELERY["task_routes"], "hints go by our own application"
    assert document.DOCUMENT.exists()
