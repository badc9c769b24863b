"""The two state machines: every status of a run and of a tool call, and each legal `from → to`, written once."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WaitingOn(StrEnum):
    """What a waiting run waits for."""

    APPROVAL = "approval"
    ANSWER = "answer"
    CHILD = "child"
    BUDGET = "budget"
    RATE = "rate"
    BACKOFF = "backoff"
    IN_DOUBT = "in_doubt"


class StopReason(StrEnum):
    """Why a run ended. A run that stopped at a limit is `failed`, with its partial result."""

    ANSWERED = "answered"
    CANCELLED = "cancelled"
    MAX_STEPS = "max_steps"
    MAX_TOOL_CALLS = "max_tool_calls"
    MAX_TOKENS = "max_tokens"
    MAX_COST = "max_cost"
    MAX_SECONDS = "max_seconds"
    MODEL_FAILED = "model_failed"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID_ANSWER = "invalid_answer"
    CONTEXT_FULL = "context_full"
    PLAN_FAILED = "plan_failed"
    ERROR = "error"


class CallStatus(StrEnum):
    PROPOSED = "proposed"
    INVALID = "invalid"
    APPROVED = "approved"
    HELD = "held"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ANSWERED = "answered"
    DONE_BY_PERSON = "done_by_person"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"


LIMIT_REASONS = frozenset(
    {
        StopReason.MAX_STEPS,
        StopReason.MAX_TOOL_CALLS,
        StopReason.MAX_TOKENS,
        StopReason.MAX_COST,
        StopReason.MAX_SECONDS,
    }
)
"""Each is named after the limit that it stands for, but for `max_cost`, whose limit is in USD."""

RUN_FINAL = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})

_R = RunStatus
RUN_TRANSITIONS: Mapping[RunStatus, frozenset[RunStatus]] = {
    _R.QUEUED: frozenset({_R.RUNNING, _R.PAUSED, _R.FAILED, _R.CANCELLED}),
    _R.RUNNING: frozenset({_R.RUNNING, _R.WAITING, _R.PAUSED, _R.SUCCEEDED, _R.FAILED, _R.CANCELLED}),
    _R.WAITING: frozenset({_R.RUNNING, _R.WAITING, _R.PAUSED, _R.FAILED, _R.CANCELLED}),
    _R.PAUSED: frozenset({_R.QUEUED, _R.CANCELLED}),
    _R.SUCCEEDED: frozenset(),
    # A person lets it go on: with a raised limit, or for another try of its last step.
    _R.FAILED: frozenset({_R.QUEUED}),
    _R.CANCELLED: frozenset(),
}

_C = CallStatus
CALL_TRANSITIONS: Mapping[CallStatus, frozenset[CallStatus]] = {
    _C.PROPOSED: frozenset({_C.INVALID, _C.APPROVED, _C.HELD, _C.CANCELLED}),
    _C.HELD: frozenset({_C.APPROVED, _C.REJECTED, _C.EXPIRED, _C.CANCELLED, _C.ANSWERED, _C.DONE_BY_PERSON}),
    _C.APPROVED: frozenset({_C.EXECUTING, _C.HELD, _C.CANCELLED}),
    _C.EXECUTING: frozenset({_C.EXECUTING, _C.SUCCEEDED, _C.FAILED, _C.IN_DOUBT}),
    _C.IN_DOUBT: frozenset({_C.SUCCEEDED, _C.FAILED, _C.APPROVED}),
    _C.INVALID: frozenset(),
    _C.REJECTED: frozenset(),
    _C.EXPIRED: frozenset(),
    _C.CANCELLED: frozenset(),
    _C.ANSWERED: frozenset(),
    _C.DONE_BY_PERSON: frozenset(),
    _C.SUCCEEDED: frozenset(),
    _C.FAILED: frozenset(),
}

CALL_FINAL = frozenset(status for status, after in CALL_TRANSITIONS.items() if not after)


def check_run(before: RunStatus, after: RunStatus) -> None:
    if after not in RUN_TRANSITIONS[before]:
        raise ValueError(f"A run cannot go from {before} to {after}.")


def check_call(before: CallStatus, after: CallStatus) -> None:
    if after not in CALL_TRANSITIONS[before]:
        raise ValueError(f"A tool call cannot go from {before} to {after}.")
