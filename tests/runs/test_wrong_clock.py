"""A worker whose clock is wrong: the database's says what is due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from approvals.actions import decide
from runs import loading

from . import factories as make
from .conftest import Take

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("wrong_by", [timedelta(hours=-26), timedelta(hours=26)])
def test_an_approval_takes_effect_when_the_database_says(
    take: Take, settings: LazySettings, monkeypatch: pytest.MonkeyPatch, wrong_by: timedelta
) -> None:
    settings.AGENTOPS_GRACE_SECONDS = 60
    run = make.run()
    hand = take(run)
    hand.open()
    [call] = hand.answer(make.answer("refund"))
    decide(make.admin(run.team), make.request_of(call).pk, decision="approve", revision=1, via="page")
    wrong = timezone.now() + wrong_by
    monkeypatch.setattr(timezone, "now", lambda: wrong)
    state, _ = loading.load(str(run.pk), hand.lease.fence)
    assert 50 < state.calls[0].due_in <= 60
