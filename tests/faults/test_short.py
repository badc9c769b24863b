"""A few runs, and what comes of them, under every kind of fault; FAULTS_RUNS and FAULTS_SEED are for `make faults`."""

from __future__ import annotations

import os
import random

import pytest

from agentops import env
from tests.acceptance.stack import Stack

from .invariants import check_all
from .play import play

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]

SHORT = 16


def test_no_run_is_lost_and_nothing_is_done_twice(stack: Stack) -> None:
    if env.load().embedded is None:
        pytest.skip("The servers are not ours to kill.")
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    check_all(play(stack, seed, runs=int(os.environ.get("FAULTS_RUNS") or SHORT)))
