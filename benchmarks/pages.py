"""Server time and queries of the pages people use all day, on a made-up history, through Django and PostgreSQL."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from .history import RARE, History, Maker
from .result import Result

RUNS, DECIDED, PENDING = 20_000, 100_000, 200
TIMES = 20
BAR = 100
"""Milliseconds, 95th percentile."""


def measure(runs: int = RUNS, decided: int = DECIDED) -> Iterator[Result]:
    settings.ALLOWED_HOSTS.append("testserver")
    begin = time.perf_counter()
    history = Maker(runs, decided, PENDING).make(large=True)
    yield Result(f"making {runs:,} runs and their steps", "s", time.perf_counter() - begin)
    client = Client()
    client.force_login(history.person)
    for name, address in addresses(history):
        yield from _page(client, f"{name}, {runs:,} runs", address)


def addresses(history: History) -> list[tuple[str, str]]:
    """What a page is called, and where it is. Pages that this version lacks are left out."""
    words = history.vocabulary.words
    day = timezone.now().date().isoformat()
    lists = {
        "": "",
        "not ended": "status=live",
        "failed": "status=failed",
        "waiting for an approval": "status=approval",
        "of an agent": "agent=agent-7",
        "of a person": "by=person9",
        "through the command line": "via=command",
        "of today": f"from={day}",
        "tainted": "tainted=yes",
        "above a cost": "cost=0.5",
        "above a cost that none has": "cost=99",
        "of an agent, cancelled, tainted": "agent=agent-7&status=cancelled&tainted=yes",
        "with the commonest word": f"q={words[0]}",
        "with a word of some": f"q={words[300]}",
        "with a rare word": f"q={RARE}",
        "with the start of a rare word": f"q={RARE[:5]}",
        "with a word that none has": "q=nowhereatall",
        "with two words": f"q={words[3]}+{words[80]}",
        "with the commonest word, of an agent, cancelled": f"q={words[0]}&agent=agent-7&status=cancelled",
    }
    found = [(f"runs {name}".strip(), f"{reverse('runs')}?{query}") for name, query in lists.items()]
    found += [
        ("run of 500 steps", reverse("run", args=[history.long_run])),
        ("approvals, 200 pending", reverse("approvals")),
        ("decided requests", reverse("approvals-history")),
        ("decided requests with a common word", f"{reverse('approvals-history')}?q={words[0]}"),
        ("decided requests with a rare word", f"{reverse('approvals-history')}?q={RARE}"),
    ]
    for name, route in {"overview": "overview", "spend": "budgets", "tools": "tools", "agents": "agents"}.items():
        try:
            found.append((name, reverse(route)))
        except NoReverseMatch:
            continue
    return found


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    if response.status_code != 200:
        raise RuntimeError(f"{address} answered {response.status_code}.")
    return len(captured)


def _page(client: Client, name: str, address: str) -> Iterator[Result]:
    asked = queries(client, address)
    took = sorted(_milliseconds(client, address) for _ in range(TIMES))
    yield Result(f"{name}, p50", "ms", statistics.median(took))
    yield Result(f"{name}, p95", "ms", took[int(TIMES * 0.95) - 1], BAR, higher_is_better=False)
    yield Result(f"{name}, queries", "queries", asked)


def _milliseconds(client: Client, address: str) -> float:
    begin = time.perf_counter()
    client.get(address)
    return (time.perf_counter() - begin) * 1000
