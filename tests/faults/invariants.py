"""What must be true when all is over. Each says what it found, and the seed that plays it again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import Sum

from agentops.core.tools import Tier
from agentops.engine.calls import bind
from approvals.models import ApprovalRequest, Decision
from runs.models import Account, Event, ModelCall, PlanStep, Run, RunMessage, Step, ToolCall
from runs.plan_work import TRIES

from .effects import tools
from .effects.ledger import Ledger, Line
from .harness import Struck
from .people import People
from .schedule import TAKES_RUNS
from .watching import Accounts
from .workload import BACK, EFFECTS, Workload, about, is_broken, name_of, turns_of

DONE = ("executing", "succeeded", "failed", "in_doubt")
"""Statuses of a call that was started."""
NEVER_STARTED = ("invalid", "rejected", "expired", "cancelled", "answered", "done_by_person", "held", "proposed")
ALLOW = ("approve", "edit")
GIVEN_UP = " times and never finished."
"""Its workers died or lost their lease again and again in one step, and the engine took the step for the cause."""
MOST_GIVEN_UP = 0.01
"""Of all runs, and only where the schedule struck each time."""
MOST_SHOWN = 10


@dataclass
class Evidence:
    """What the rows, the ledger and the people say when all is over."""

    workload: Workload
    people: People
    ledger: Ledger
    accounts: Accounts
    struck: list[Struck]

    def __post_init__(self) -> None:
        self.runs = {str(run.pk): run for run in Run.objects.select_related("parent_call").order_by("pk")}
        self.calls = {
            f"{call.run_id}:{call.step.number}.{call.position}": call
            for call in ToolCall.objects.select_related("step").order_by("step__number", "position")
        }
        self.calls_of: dict[str, list[ToolCall]] = defaultdict(list)
        for call in self.calls.values():
            self.calls_of[str(call.run_id)].append(call)
        self.effects = self.ledger.effects()
        self.requests = {
            int(request.subject_id): request
            for request in ApprovalRequest.objects.filter(subject_kind="tool_call").order_by("created_at")
        }
        self.decisions: dict[Any, list[Decision]] = defaultdict(list)
        for decision in Decision.objects.order_by("revision"):
            self.decisions[decision.request_id].append(decision)
        self.recovered: dict[str, list[datetime]] = defaultdict(list)
        for run, at in Event.objects.filter(kind="run.recovered").order_by("seq").values_list("run_id", "at"):
            self.recovered[str(run)].append(at)
        self.doubts = {
            data["call"]
            for data in Event.objects.filter(kind="call.changed", data__status="in_doubt").values_list(
                "data", flat=True
            )
        }
        self.given_up = [
            name for name, run in self.runs.items() if run.status == "failed" and run.stop_detail.endswith(GIVEN_UP)
        ]

    def of_people(self) -> dict[str, Run]:
        """The runs that people started, without those that came from others."""
        return {
            name: run for name, run in self.runs.items() if not (run.parent_id or run.forked_from_id or run.undoes_id)
        }

    def name(self, call: ToolCall) -> str:
        return f"{call.run_id}:{call.step.number}.{call.position}"

    def did(self, call: ToolCall) -> list[Line]:
        return self.effects.get(self.name(call), [])

    def show(self, name: str) -> str:
        """A call in words, with what its run went through while it was open."""
        call = self.calls[name]
        history = [f"{one.decision} by {one.by_name or one.via} {one.at:%H:%M:%S.%f}" for one in self._history(call)]
        done = [f"{_time(line):%H:%M:%S.%f} by {line.pid}" for line in self.did(call)]
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
    """Every run reached an end, for a reason that a fault outside, a person or its own script can give."""
    for name, run in evidence.runs.items():
        if name not in evidence.given_up and run.stop_reason not in _ends(run):
            yield f"{name} is {run.status} {run.waiting_on}: {run.stop_reason} {run.stop_detail}"


def _ends(run: Run) -> set[str]:
    """An internal error is none of them; nor is a limit, but where a run was given too little by who handed it over."""
    ends = {"succeeded": {"answered"}, "cancelled": {"cancelled"}, "failed": set[str]()}[run.status]
    if run.status == "failed" and is_broken(run.goal):
        ends |= {"model_failed"}
    given = (run.parent_call.arguments.get("max_cost_usd") or 1) if run.parent_call else 1
    if run.status == "failed" and given < 1:
        ends |= {"max_cost"}
    return ends


def few_were_given_up(evidence: Evidence) -> Iterable[str]:
    """A run that was given up had its workers struck each time it was tried; and of all runs that is a small share."""
    for name in evidence.given_up:
        lost, tried = (
            evidence.recovered[name],
            Event.objects.filter(run_id=name, kind="run.changed", data__status="running"),
        )
        taken = sorted([*lost, *tried.values_list("at", flat=True)])
        last = (
            Event.objects.filter(run_id=name, kind="step.answered")
            .order_by("-seq")
            .values_list("at", flat=True)
            .first()
        )
        for at in lost:
            if last and at < last:
                continue
            before = max((one for one in taken if one < at), default=at)
            if not any(
                one.kind in TAKES_RUNS and one.begin <= at.timestamp() and one.end >= before.timestamp()
                for one in evidence.struck
            ):
                yield f"{name} lost its worker between {before} and {at}, when nothing was struck"
    if len(evidence.given_up) > max(1, MOST_GIVEN_UP * len(evidence.runs)):
        yield f"{len(evidence.given_up)} of {len(evidence.runs)} runs"


def a_key_gave_one_run(evidence: Evidence) -> Iterable[str]:
    """However often a start was asked for under one key, or delivered, there is one run, and all were told of it."""
    workload, people = evidence.workload, evidence.people
    numbers = {name: int(name_of(run.goal)) for name, run in evidence.of_people().items()}
    times = Counter(numbers.values())
    for number in workload.runs:
        told = people.started.get(number, set())
        if times[number] != 1 or len(told) != 1 or numbers.get(next(iter(told))) != number:
            yield f"run {number}: {times[number]} rows, told of {told}"
    if len(numbers) != len(workload.runs):
        yield f"there are {len(numbers)} runs for {len(workload.runs)} keys"
    made: dict[str, dict[str, set[str]]] = {"forked_from_id": defaultdict(set), "undoes_id": defaultdict(set)}
    for name, run in evidence.runs.items():
        for column, found in made.items():
            if origin := getattr(run, column):
                found[str(origin)].add(name)
    for column, told_of in (("forked_from_id", people.forked), ("undoes_id", people.undone)):
        for origin in {*made[column], *(run for run, told in told_of.items() if told)}:
            if made[column][origin] != told_of[origin]:
                yield f"{column} {origin}: rows {made[column][origin]}, told of {told_of[origin]}"


def every_step_happened_once(evidence: Evidence) -> Iterable[str]:
    """A run's calls are its script's, in its order and each once: no answer was lost, and none was taken twice."""
    steps = Counter(map(str, Step.objects.filter(kind="turn", status="answered").values_list("run_id", flat=True)))
    # Who speaks just as a run is about to end makes it take one more turn.
    spoken = Counter(map(str, RunMessage.objects.values_list("run_id", flat=True)))
    for name, run in evidence.runs.items():
        if run.undoes_id:
            continue
        turns = turns_of(run.goal)[(run.forked_step or 1) - 1 :]
        script = [about(use["input"]) for turn in turns for use in turn.get("tools", ())]
        asked = [about(call.arguments or call.raw_arguments) for call in evidence.calls_of[name]]
        whole = run.status == "succeeded"
        if asked != script[: None if whole else len(asked)]:
            yield f"{name} ({run.status}) asked for {asked} in place of {script}"
        planned = whole and not script and not 1 <= steps.get(name, 0) <= 1 + spoken[name]
        if planned or (whole and script and steps.get(name, 0) < len(turns) + 1):
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
    if not evidence.people.raises:
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


def a_call_gave_one_child(evidence: Evidence) -> Iterable[str]:
    """A call that hands work over has one run below it, whose end is its result; one that was refused has none."""
    children: dict[int, list[Run]] = defaultdict(list)
    for run in evidence.runs.values():
        if run.parent_call_id:
            children[run.parent_call_id].append(run)
    for name, call in evidence.calls.items():
        if call.tool != "delegate":
            continue
        below, parent = children[call.pk], evidence.runs[str(call.run_id)]
        shown = f"{name} is {call.status} {call.result}, has {[(str(run.pk), run.status) for run in below]}"
        if len(below) > 1 or any(run.parent_id != parent.pk for run in below):
            yield shown
        elif call.status == "succeeded":
            if not below or below[0].status != "succeeded" or (call.result or {}).get("data") != below[0].answer:
                yield shown
        elif call.status != "failed" or (below and below[0].status == "succeeded" and not parent.is_final):
            yield shown
        elif not below and parent.status == "succeeded" and "No run was started" not in str(call.result):
            yield f"nobody was asked: {shown}"


def every_child_was_reported(evidence: Evidence) -> Iterable[str]:
    """Every run that worked for another was heard of by that one, once, and no run outlived the one above it."""
    heard = Counter(data["child"] for data in Event.objects.filter(kind="child.ended").values_list("data", flat=True))
    for name, run in evidence.runs.items():
        if not run.parent_id:
            continue
        parent = evidence.runs[str(run.parent_id)]
        if not run.reported or heard[name] > 1:
            yield f"{name} ({run.status}) below {parent.pk} ({parent.status}): told {heard[name]} times"
        if parent.status == "succeeded" and run.ended_at and parent.ended_at and run.ended_at > parent.ended_at:
            yield f"{name} ended at {run.ended_at}, {parent.pk} above it at {parent.ended_at}"


def what_was_lent_was_kept(evidence: Evidence) -> Iterable[str]:
    """No run cost more than it was given, with all that worked for it; and at no moment had it lent what it had not."""
    yield from (f"{name}: {row}" for name, row in evidence.accounts.overlent.items())
    below: Counter[str] = Counter()
    for name in sorted(evidence.runs, key=lambda name: -evidence.runs[name].depth):
        run = evidence.runs[name]
        whole = run.cost_usd + below[name]
        if whole > run.max_cost_usd:
            yield f"{name} was given {run.max_cost_usd}, cost {run.cost_usd}, and those below it {below[name]}"
        if run.parent_id:
            below[str(run.parent_id)] += whole


def plans_were_worked_through(evidence: Evidence) -> Iterable[str]:
    """No step of a plan was carried out twice, or by two at once, or before those that it comes after."""
    tries: dict[int, list[Run]] = defaultdict(list)
    for run in evidence.runs.values():
        if run.plan_step_id:
            tries[run.plan_step_id].append(run)
    steps = list(PlanStep.objects.select_related("plan__run").order_by("plan", "position"))
    by_key = {(step.plan_id, step.key): step for step in steps}
    for step in steps:
        runs = tries[step.pk]
        done = [run for run in runs if run.status == "succeeded"]
        shown = (
            f"step {step.key} of plan {step.plan_id} of {step.plan.run_id} is {step.status} after {step.tries} tries "
            f"by {[(str(run.pk), run.status) for run in runs]}"
        )
        if len(runs) > TRIES or len(done) > 1:
            yield shown
        # A plan that was made anew keeps the steps that are done, not their runs.
        if runs and step.status == "done" and (len(done) != 1 or done[0].answer != step.result):
            yield shown
        if step.plan.status == "done" and step.status in ("pending", "running"):
            yield shown
        spans = sorted((span for run in runs if (span := _span(evidence, run))), key=lambda span: span[0])
        if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
            yield f"at once: {shown}, {spans}"
        for before in (by_key.get((step.plan_id, key)) for key in step.after):
            ended = [span[1] for run in tries[before.pk] if (span := _span(evidence, run))] if before else []
            if before and runs and before.status != "done":
                yield f"{shown}, though {before.key} is {before.status}"
            if ended and spans and spans[0][0] < max(ended):
                yield f"before {before}: {shown}"


def _span(evidence: Evidence, run: Run) -> tuple[float, float] | None:
    """From when to when a run acted on the world."""
    lines = [
        line for call in evidence.calls_of[str(run.pk)] for line in evidence.ledger.lines().get(evidence.name(call), ())
    ]
    return (min(line.at for line in lines), max(line.at for line in lines)) if lines else None


def what_was_undone_was_undone_once(evidence: Evidence) -> Iterable[str]:
    """A deed was taken back at most once, by its tool's way, after it had happened, and the last deed first."""
    times: dict[int, list[ToolCall]] = defaultdict(list)
    by_id = {call.pk: call for call in evidence.calls.values()}
    for name, run in evidence.runs.items():
        undone = [by_id[call.undoes_id] for call in evidence.calls_of[name] if call.undoes_id]
        if bool(run.undoes_id) != bool(undone) and run.status == "succeeded":
            yield f"{name} undoes {run.undoes_id}, by {len(undone)} calls"
        order = [(call.step.number, call.pk) for call in undone]
        if order != sorted(set(order), reverse=True):
            yield f"{name} took back in the order {order}"
    for call in evidence.calls.values():
        if call.undoes_id:
            times[call.undoes_id].append(call)
    for original, backs in times.items():
        call = by_id[original]
        shown = "; ".join(evidence.show(evidence.name(one)) for one in [call, *backs])
        lines = [line for one in backs for line in evidence.did(one)]
        again = {
            evidence.name(one) for one in backs if evidence.did(one) and not (one.idempotent and one.status == "failed")
        }
        if len(again) > 1 or sum(one.status == "succeeded" for one in backs) > 1:
            yield f"{len(again)} times: {shown}"
        if lines and not evidence.did(call):
            yield f"it had not happened: {shown}"
        elif lines and min(line.at for line in lines) < min(line.at for line in evidence.did(call)):
            yield f"before it happened: {shown}"
        if any(one.tool != BACK[call.tool] for one in backs):
            yield f"by another tool: {shown}"


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
    few_were_given_up,
    a_key_gave_one_run,
    every_step_happened_once,
    effects_happened_once,
    no_effect_without_its_verdict,
    what_was_refused_did_not_happen,
    budgets_were_kept,
    money_adds_up,
    a_call_gave_one_child,
    every_child_was_reported,
    what_was_lent_was_kept,
    plans_were_worked_through,
    what_was_undone_was_undone_once,
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
