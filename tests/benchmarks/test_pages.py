"""The made-up history is sound, and every page asks the database as often for ten times as much of it."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client

from approvals.models import ApprovalRequest
from approvals.pages import search
from benchmarks.history import LIVE, RARE, Maker
from benchmarks.pages import addresses, queries
from runs.models import ModelCall, Run, RunWords, Step, ToolCall

pytestmark = pytest.mark.django_db
SMALL = {"runs": len(LIVE) + 40, "decided": 60, "pending": 19}


def counts(times: int) -> dict[str, int]:
    sizes = {name: value * times for name, value in SMALL.items()}
    history = Maker(**sizes).make(large=False)
    client = Client()
    client.force_login(history.person)
    pages = addresses(history)
    for _, address in pages:
        client.get(address)  # what is cached from then on
    return {name: queries(client, address) for name, address in pages}


def test_ten_times_as_much_costs_no_more_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "NEAR", 10**6)  # else a search takes one to five queries, as far as it must look
    with transaction.atomic():
        little = counts(1)
        assert Run.objects.count() == SMALL["runs"]
        assert Step.objects.count() == ModelCall.objects.count() == ToolCall.objects.count()
        assert RunWords.objects.count() == SMALL["runs"]
        assert Run.objects.filter(answer__contains=RARE).count() == 3
        assert ApprovalRequest.objects.pending().count() == SMALL["pending"]
        transaction.set_rollback(True)
    assert counts(10) == little
