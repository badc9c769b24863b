"""The two machines say exactly what the design says; both are written out here a second time, by hand."""

from __future__ import annotations

import itertools

import pytest

from agentops.core.states import (
    CALL_FINAL,
    CALL_TRANSITIONS,
    RUN_FINAL,
    RUN_TRANSITIONS,
    CallStatus,
    RunStatus,
    check_call,
    check_run,
)

RUN = {
    "queued": "running paused failed cancelled",
    "running": "running waiting paused succeeded failed cancelled",
    "waiting": "running waiting paused failed cancelled",
    "paused": "queued cancelled",
    "succeeded": "",
    "failed": "queued",
    "cancelled": "",
}
"""running → running: another worker takes the run over."""

CALL = {
    "proposed": "invalid approved held cancelled",
    "held": "approved rejected expired cancelled answered done_by_person",
    "approved": "executing held cancelled",
    "executing": "executing succeeded failed in_doubt",
    "in_doubt": "succeeded failed approved",
    "invalid": "",
    "rejected": "",
    "expired": "",
    "cancelled": "",
    "answered": "",
    "done_by_person": "",
    "succeeded": "",
    "failed": "",
}
"""executing → executing: an idempotent call runs again under another lease."""


@pytest.mark.parametrize(("before", "after"), list(itertools.product(RunStatus, RunStatus)))
def test_a_run_goes_where_the_design_says_and_nowhere_else(before: RunStatus, after: RunStatus) -> None:
    if after in RUN[before].split():
        check_run(before, after)
    else:
        with pytest.raises(ValueError, match=f"from {before} to {after}"):
            check_run(before, after)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(CallStatus, CallStatus)))
def test_a_call_goes_where_the_design_says_and_nowhere_else(before: CallStatus, after: CallStatus) -> None:
    if after in CALL[before].split():
        check_call(before, after)
    else:
        with pytest.raises(ValueError, match=f"from {before} to {after}"):
            check_call(before, after)


def test_every_status_has_its_row() -> None:
    assert set(RUN_TRANSITIONS) == set(RunStatus) == set(RUN)
    assert set(CALL_TRANSITIONS) == set(CallStatus) == set(CALL)


def test_nothing_leaves_a_final_status() -> None:
    assert {"succeeded", "failed", "cancelled"} == RUN_FINAL
    assert {status for status, after in CALL.items() if not after} == CALL_FINAL


def test_every_status_can_be_reached() -> None:
    assert set(RunStatus) - {RunStatus.QUEUED} <= set().union(*RUN_TRANSITIONS.values())
    assert set(CallStatus) - {CallStatus.PROPOSED} == set().union(*CALL_TRANSITIONS.values())


def test_cancel_reaches_every_run_that_has_not_ended() -> None:
    assert all("cancelled" in RUN_TRANSITIONS[status] for status in set(RunStatus) - RUN_FINAL)
