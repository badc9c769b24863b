"""What must be true when all is over. Each says what it found, and the seed that plays it again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from agentops.core.tools import Tier
from agentops.engine.calls import bind
from approvals.models import ApprovalRequest, Decision
from runs.models import Account, Event, ModelCall, Run, Step, ToolCall

from .effects import tools
from .effects.ledger import Ledger, Line
from .watching import Accounts
from .workload import EFFECTS, TURNS, Workload, about

DONE = ("executing", "succeeded", "failed", "in_doubt")
"""Statuses of a call that was started."""
NEVER_STARTED = ("invalid", "rejected", "expired", "cancelled", "answered", "done_by_person", "held", "proposed")
ALLOW = ("approve", "edit")
ENDS = {"succeeded": {"answered"}, "cancelled": {"cancelled"}, "failed": {"model_failed"}}
"""Why a run may have ended. An internal error is none of them; nor is a limit, all of which are far."""
GIVEN_UP = " times and never finished."
"""Its workers died or lost their lease again and again: on a machine with too much to do, that is a fault outside."""
MOST_SHOWN = 10


@dataclass
class Evidence:
    """What the rows, the ledger and the people say when all is over."""

    workload: Workload
    started: dict[int, set[str]]
    ledger: Ledger
    accounts: Accounts
    raises: int

    def __post_init__(self) -> None:
        self.runs = {str(run.pk): run for run in Run.objects.all()}
        self.number = {name: self.workload.number(run.goal) for name, run in self.runs.items()}
        self.calls = {
            f"{call.run_id}:{call.step.number}.{call.position}": call
            for call in ToolCall.objects.select_related("step").order_by("pk")
        }
        self.effects = self.ledger.effects()
        self.requests = {
            int(request.subject_id): request
            for request in ApprovalRequest.objects.filter(subject_kind="tool_call").order_by("created_at")
        }
        self.decisions: dict[Any, list[Decision]] = defaultdict(list)
        for decision in Decision.objects.order_by("revision"):
            self.decisions[decision.request_id].append(decision)

    def show(self, name: str) -> str:
        """A call in words, with what its run went through while it was open."""
        call = self.calls[name]
        lines = self.effects.get(name, [])
        history = [f"{one.decision} by {one.by_name or one.via} {one.at:%H:%M:%S.%f}" for one in self._history(call)]
        done = [f"{_time(line):%H:%M:%S.%f} by {line.pid}" for line in lines]
        return (
            f"{name} {call.tool} {call.arguments} is {call.status} ({call.reason}; {call.resolved_by_name}); "
            f"its effects: {done}; its decisions: {history}; its run is {self.runs[str(call.run_id)].status}"
        )

    def _history(self, call: ToolCall) -> list[Decision]:
        request = self.requests.get(call.pk)
        return self.decisions[request.pk] if request else []


Check = Callable[[Evidence], Iterable[str]]


def check_all(evidence: Evidence) -> None:
    """Raises AssertionError with everything that is wrong."""
    wrong = []
    for check in CHECKS:
        found = list(check(evidence))
        if found:
            shown = "\n    ".join([*found[:MOST_SHOWN], *([f"… {len(found)} in all"] if found[MOST_SHOWN:] else [])])
            wrong.append(f"{(check.__doc__ or '').strip()} But:\n    {shown}")
    seed, runs = evidence.workload.seed, len(evidence.workload.runs)
    assert not wrong, f"make faults SEED={seed} RUNS={runs}\n" + "\n".join(wrong)


def every_run_ended(evidence: Evidence) -> Iterable[str]:
    """Every run reached an end, for a reason that a fault outside can give."""
    for name, run in evidence.runs.items():
        given_up = run.status == "failed" and run.stop_detail.endswith(GIVEN_UP)
        if run.stop_reason not in ENDS.get(run.status, ()) and not given_up:
            yield f"{name} is {run.status} {run.waiting_on}: {run.stop_reason} {run.stop_detail}"


def a_key_gave_one_run(evidence: Evidence) -> Iterable[str]:
    """However often a start was asked for under one key, or delivered, there is one run, and all were told of it."""
    numbers = Counter(evidence.number.values())
    for number in evidence.workload.runs:
        told = evidence.started.get(number, set())
        if numbers[number] != 1 or len(told) != 1 or evidence.number.get(next(iter(told))) != number:
            yield f"run {number}: {numbers[number]} rows, told of {told}"
    if len(evidence.runs) != len(evidence.workload.runs):
        yield f"there are {len(evidence.runs)} runs for {len(evidence.workload.runs)} keys"


def every_step_happened_once(evidence: Evidence) -> Iterable[str]:
    """A run's calls are its script's, in its order and each once: no answer was lost, and none was taken twice."""
    asked: dict[str, list[str]] = defaultdict(list)
    for name, call in sorted(evidence.calls.items(), key=lambda item: (item[1].step.number, item[1].position)):
        asked[name.partition(":")[0]].append(about(call.arguments or call.raw_arguments))
    steps = {str(run): count for run, count in _counts(Step.objects.filter(kind="turn", status="answered"), "run_id")}
    for name, run in evidence.runs.items():
        script = evidence.workload.asked_for(evidence.number[name])
        whole = run.status == "succeeded"
        if asked[name] != script[: None if whole else len(asked[name])]:
            yield f"{name} ({run.status}) asked for {asked[name]} in place of {script}"
        if whole and steps.get(name, 0) < TURNS + 1:
            yield f"{name} succeeded after {steps.get(name, 0)} answers"


def effects_happened_once(evidence: Evidence) -> Iterable[str]:
    """An effect happened at most once a call, and exactly once where the call succeeded; for one that may run again
    under its key, once is once for the key."""
    for name, call in evidence.calls.items():
        if call.tool not in EFFECTS:
            continue
        times = len(evidence.effects.get(name, ()))
        if times > 1 and not call.idempotent:
            yield f"{times} times: {evidence.show(name)}"
        if call.status == "succeeded" and not times:
            yield f"never, though it succeeded: {evidence.show(name)}"
        if call.status == "failed" and times and not call.idempotent:
            yield f"it did, though it failed: {evidence.show(name)}"


def no_effect_without_its_verdict(evidence: Evidence) -> Iterable[str]:
    """What happened is what a row says, and from medium on what somebody had approved by then, by its hash."""
    for name, lines in evidence.effects.items():
        call = evidence.calls.get(name)
        if call is None:
            yield f"{name} has no row"
            continue
        if call.status not in DONE:
            yield f"a call that never started: {evidence.show(name)}"
        tool = getattr(tools, call.tool)
        for line in lines:
            bound = bind(tool, line.arguments, tool.effect_line(line.arguments))
            if line.tool != call.tool or line.arguments != call.arguments or bound != call.bound_hash:
                yield f"something else happened, {line.arguments}: {evidence.show(name)}"
            if Tier(call.tier).rank >= Tier.MEDIUM.rank and not _was_approved(evidence, call, line):
                yield f"nobody had approved it: {evidence.show(name)}"


def what_was_refused_did_not_happen(evidence: Evidence) -> Iterable[str]:
    """What was rejected, expired, cancelled, answered or done by a person has no effect, nor has anything critical."""
    for name in evidence.effects:
        call = evidence.calls.get(name)
        if call and (call.status in NEVER_STARTED or call.tier == Tier.CRITICAL):
            yield evidence.show(name)


def budgets_were_kept(evidence: Evidence) -> Iterable[str]:
    """A budget was reached, and at no moment was more spent and held than its limit."""
    accounts = evidence.accounts
    if accounts.overshot:
        yield f"{len(accounts.overshot)} of {accounts.looks} looks, first {accounts.overshot[0]}"
    if not evidence.raises:
        yield f"no limit was reached: at most {accounts.fullest:.0%} was spent and held"
    for account in Account.objects.select_related("budget"):
        if account.spent > account.budget.limit_usd:
            yield f"{account}: {account.spent} USD spent"


def money_adds_up(evidence: Evidence) -> Iterable[str]:
    """What providers billed is what runs and steps cost, and what their budgets' accounts say was spent."""
    sums = {
        "bills": _sum(ModelCall.objects.all(), "cost_usd"),
        "runs": _sum(Run.objects.all(), "cost_usd"),
        "steps": _sum(Step.objects.all(), "cost_usd"),
    }
    for budget in set(Account.objects.values_list("budget_id", flat=True)):
        sums[f"accounts of budget {budget}"] = _sum(Account.objects.filter(budget=budget), "spent")
    if len(set(sums.values())) != 1:
        yield ", ".join(f"{name}: {value}" for name, value in sums.items())
    for run, billed in ModelCall.objects.values_list("run_id").annotate(Sum("cost_usd")):
        if evidence.runs[str(run)].cost_usd != billed:
            yield f"{run} cost {evidence.runs[str(run)].cost_usd}, billed {billed}"


def events_have_no_gaps(evidence: Evidence) -> Iterable[str]:
    """A run's events are numbered 1, 2, 3, … to its `seq`."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for run, seq in Event.objects.order_by("run_id", "seq").values_list("run_id", "seq"):
        numbers[str(run)].append(seq)
    for name, run in evidence.runs.items():
        if numbers[name] != list(range(1, run.seq + 1)):
            yield f"{name}: up to {run.seq}, but {numbers[name]}"


def nothing_is_left_over(evidence: Evidence) -> Iterable[str]:
    """No lease, hold, slice, open step or pending request is left."""
    for name, run in evidence.runs.items():
        rest = (run.wake_at, run.worker, run.waiting_on, run.held_usd, run.slice_drawn, run.slice_spent)
        if rest != (None, "", "", 0, 0, 0) and rest != (None, run.worker, "", 0, 0, 0):
            yield f"{name}: wakes, worker, waits, held, slice: {rest}"
        if run.slice_accounts or run.pause_requested:
            yield f"{name}: accounts {run.slice_accounts}, to pause {run.pause_requested}"
    for account in Account.objects.exclude(held=0):
        yield f"{account}: {account.held} USD held"
    for step in Step.objects.filter(status="calling"):
        yield f"{step} of {step.run_id} is calling"
    for name, call in evidence.calls.items():
        if call.status in ("executing", "in_doubt", "held", "approved", "proposed"):
            yield evidence.show(name)
    for request in ApprovalRequest.objects.pending():
        yield f"pending: {request}"


CHECKS: list[Check] = [
    every_run_ended,
    a_key_gave_one_run,
    every_step_happened_once,
    effects_happened_once,
    no_effect_without_its_verdict,
    what_was_refused_did_not_happen,
    budgets_were_kept,
    money_adds_up,
    events_have_no_gaps,
    nothing_is_left_over,
]


def _was_approved(evidence: Evidence, call: ToolCall, line: Line) -> bool:
    """By the last word on it before the effect, on exactly this, and after the time in which it could be taken back."""
    request = evidence.requests.get(call.pk)
    if request is None or request.bound_hash != call.bound_hash:
        return False
    before = [one for one in evidence.decisions[request.pk] if one.at <= _time(line)]
    in_effect = request.takes_effect_at is None or request.takes_effect_at <= _time(line)
    return bool(before) and before[-1].decision in ALLOW and in_effect


def _time(line: Line) -> datetime:
    return datetime.fromtimestamp(line.at, UTC)


def _sum(rows: Any, column: str) -> Decimal:
    return rows.aggregate(all=Sum(column))["all"] or Decimal(0)


def _counts(rows: Any, column: str) -> Iterable[tuple[Any, int]]:
    return Counter(rows.values_list(column, flat=True)).items()
