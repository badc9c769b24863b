"""Runs below runs: started for a call or a plan's step, lent a part of what is left, heard of when they end.

What a run has lent is never stored, it follows from the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models.functions import Now

from agentops.core import schemas
from agentops.core.errors import AgentOpsError, InvalidInput
from agentops.core.states import WaitingOn
from agentops.core.tools import ToolResult
from agentops.engine.state import Lent
from agentops.live import publish

from . import subject, tree
from .choosing import own_limits, version_for
from .inputs import check_given
from .late import add_events
from .models import Agent, AgentVersion, Run
from .wake import hint_on_commit

Events = list[tuple[str, dict[str, Any]]]

PROTOCOL = 2
"""Workers of before know nothing of what a child may do."""
CENT_PARTS = Decimal("0.00000001")

LENT = """
WITH RECURSIVE below AS (
    SELECT id, ended_at IS NULL AS living FROM runs_run WHERE parent_id = %s
    UNION ALL
    SELECT r.id, r.ended_at IS NULL FROM runs_run r JOIN below b ON r.parent_id = b.id WHERE NOT b.living
)
SELECT
    COALESCE(sum(CASE WHEN b.living THEN GREATEST(r.max_cost_usd, r.cost_usd) ELSE r.cost_usd + r.held_usd END), 0),
    COALESCE(sum(CASE WHEN b.living THEN GREATEST(r.max_tokens, r.input_tokens + r.output_tokens)
        ELSE r.input_tokens + r.output_tokens END), 0)::bigint,
    COALESCE(sum(CASE WHEN b.living THEN GREATEST(r.max_tool_calls, r.tool_calls) ELSE r.tool_calls END), 0)::bigint
FROM below b JOIN runs_run r ON r.id = b.id
"""
"""A living run counts with all it may use (those below it use of that), an ended one with what it used."""


class Refused(AgentOpsError):
    """No run was started; the message says why, and what is possible."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a run may still use, itself or through runs below it."""

    cost_usd: Decimal
    tokens: int
    tool_calls: int

    def share(self, parts: int) -> Left:
        cost = (self.cost_usd / parts).quantize(CENT_PARTS, ROUND_DOWN)
        return Left(cost, self.tokens // parts, self.tool_calls // parts)


def lent(run_id: UUID | str) -> Lent:
    with connection.cursor() as cursor:
        cursor.execute(LENT, [run_id])
        cost, tokens, tool_calls = cursor.fetchone()
    return Lent(Decimal(cost), tokens, tool_calls)


def left(run: Run, given: Lent | None = None) -> Left:
    """Right for as long as the run is locked."""
    given = given or lent(run.pk)
    return Left(
        max(run.max_cost_usd - run.cost_usd - run.held_usd - given.cost_usd, Decimal(0)),
        max(run.max_tokens - run.input_tokens - run.output_tokens - given.tokens, 0),
        max(run.max_tool_calls - run.tool_calls - given.tool_calls, 0),
    )


# ── starting ───────────────────────────────────────────────────────────────────────────────────


def hand_over(run: Run, asked: Sequence[tuple[int, int, dict[str, Any]]]) -> tuple[dict[int, ToolResult], Events]:
    """For calls (id, number of their step, arguments) of a locked run: start what is missing and may begin.

    Returns the results of what has ended or was refused, by call. Calls beyond the number of runs at once wait.
    """
    known = {
        child.parent_call_id: child for child in Run.objects.filter(parent_call__in=[call for call, _, _ in asked])
    }
    results = {call: result_of(child) for call, child in known.items() if child.is_final and call is not None}
    missing = [one for one in asked if one[0] not in known]
    events: Events = []
    if missing and not run.pause_requested:
        ahead, version = len(missing), _version(run)
        living = Run.objects.filter(parent=run).live().count()
        for call, step, arguments in missing:
            if living >= max(version.max_parallel_children, 1):
                break
            try:
                child = _delegate(run, version, call, arguments, ahead)
            except (Refused, InvalidInput) as refused:
                results[call] = ToolResult("error", error=str(refused), hint="No run was started.")
            else:
                living += 1
                events.append(
                    ("child.started", {"child": str(child.pk), "agent": child.agent_name, "step": step, "call": call})
                )
            ahead -= 1
    return results, events


def _delegate(run: Run, version: AgentVersion, call: int, arguments: dict[str, Any], ahead: int) -> Run:
    """The child of one call. Of what is left it gets what was asked for, or a fair part: others need some, too."""
    name = arguments["agent"]
    if name not in version.delegates_to:
        may = ", ".join(version.delegates_to) or "none"
        raise Refused(f"This agent may not hand work to “{name[:80]}”. It may hand work to: {may}.")
    _check_depth(run)
    started = Run.objects.filter(parent=run, parent_call__isnull=False).count()
    if started >= version.max_children:
        raise Refused(f"This run has started the {version.max_children} runs it may start. Do the rest yourself.")
    agent = Agent.objects.filter(team_id=run.team_id, name=name).select_related("live", "candidate").first()
    if agent is None or agent.live is None or not agent.active:
        what = "there is none of that name" if agent is None else "it is switched off"
        raise Refused(f"The agent “{name[:80]}” starts no runs now: {what}. Go on without it.")
    schema = arguments.get("answer_schema")
    if schema is not None:
        _check_schema(schema)
    run_id = uuid4()
    own = version_for(agent, run_id)
    inputs = check_given(own.inputs, arguments.get("inputs") or {})
    room = left(run)
    part = room.share(ahead + 1)
    limits = own_limits(own)
    wanted = arguments.get("max_cost_usd")
    cost = part.cost_usd if wanted is None else Decimal(str(wanted)).quantize(CENT_PARTS)
    if cost > room.cost_usd:
        raise Refused(f"It asks for {cost:.4f} USD, and {room.cost_usd:.4f} USD are left of this run's own limit.")
    limits["max_cost_usd"] = min(cost, limits["max_cost_usd"])
    limits["max_tokens"] = min(part.tokens, limits["max_tokens"])
    limits["max_tool_calls"] = min(max(part.tool_calls, 1), limits["max_tool_calls"])
    limits["max_steps"] = min(arguments.get("max_steps") or limits["max_steps"], limits["max_steps"])
    if room.tool_calls < 1 or limits["max_cost_usd"] <= 0 or limits["max_tokens"] <= 0:
        raise Refused(
            f"Too little is left of this run's own limits: {room.cost_usd:.4f} USD, {room.tokens:,} tokens, "
            f"{room.tool_calls:,} tool calls. Finish with what there is."
        )
    return start(
        run,
        own,
        id=run_id,
        agent=agent,
        goal=arguments["goal"],
        inputs=inputs,
        parent_call_id=call,
        answer_schema=schema,
        **limits,
    )


def start(parent: Run, version: AgentVersion, **fields: Any) -> Run:
    """A run below one that is locked, for the person who started that one. Its worker is asked for after the commit."""
    child = Run.objects.create(
        team_id=parent.team_id,
        agent_name=fields["agent"].name if fields.get("agent") else parent.agent_name,
        version=version,
        parent=parent,
        depth=parent.depth + 1,
        needs=PROTOCOL,
        priority=parent.priority,
        # Its goal was written by what had read this.
        tainted_by=parent.tainted_by,
        wake_at=Now(),
        started_by_id=parent.started_by_id,
        started_by_name=parent.started_by_name,
        started_via="run",
        **fields,
    )
    numbered = add_events(child, [("run.changed", {"status": "queued", "waiting_on": ""})])
    transaction.on_commit(partial(publish.announce, child.pk, child.team_id, numbered))
    hint_on_commit(child.pk)
    return child


def _version(run: Run) -> AgentVersion:
    if run.version is None:
        raise Refused("Its agent was deleted.")
    return run.version


def _check_depth(run: Run) -> None:
    """Each run above has its say on how many may stand below one another."""
    deepest = run.depth + _version(run).max_depth
    above = Run.objects.filter(pk__in=tree.above(run.pk), version__isnull=False)
    deepest = min([deepest, *(depth + most for depth, most in above.values_list("depth", "version__max_depth"))])
    if run.depth + 1 > deepest:
        raise Refused("No further run may stand below this one. Do the work yourself.")


def _check_schema(schema: dict[str, Any]) -> None:
    try:
        schemas.check(schema)
    except InvalidInput as error:
        raise Refused(f"The answer_schema cannot be used: {error}") from error


# ── ending ─────────────────────────────────────────────────────────────────────────────────────


def result_of(child: Run) -> ToolResult:
    """What the run above is told of one that has ended."""
    source = f"run of {child.agent_name}" if child.tainted_by else ""
    if child.status == Run.Status.SUCCEEDED:
        data = child.answer if child.answer_data is None else child.answer_data
        missed = child.outcome == Run.Outcome.NOT_COMPLETED
        summary = f"{child.agent_name} answered" + (", but did not complete the task." if missed else ".")
        return ToolResult("ok", data=data, summary=summary, untrusted_source=source)
    why = f" {child.stop_detail}" if child.stop_detail else ""
    return ToolResult(
        "error",
        data={"stop_reason": child.stop_reason, "partial": child.answer} if child.answer else None,
        error=f"The run of {child.agent_name} ended without an answer ({child.stop_reason}).{why}",
        hint="Ask for less, do it yourself, or go on without it.",
        untrusted_source=source,
    )


WAITS = (WaitingOn.CHILD, WaitingOn.APPROVAL, WaitingOn.ANSWER, WaitingOn.IN_DOUBT)


def report(child_id: UUID | str) -> bool:
    """Tell the run above that this one has ended, once. In a transaction of its own, after that end was committed."""
    with transaction.atomic():
        child = Run.objects.get(pk=child_id)
        if child.parent_id is None:
            return False
        parent = Run.objects.select_for_update().get(pk=child.parent_id)
        if not Run.objects.filter(pk=child_id, reported=False, ended_at__isnull=False).update(reported=True):
            return False
        data = {"child": str(child.pk), "agent": child.agent_name, "status": child.status}
        subject.wake(parent, [("child.ended", data)], WAITS)
    return True


def report_ended() -> int:
    """For the sweep: children that ended while nobody could tell of it."""
    ended = Run.objects.filter(parent__isnull=False, reported=False, ended_at__isnull=False)
    return sum(report(pk) for pk in list(ended.values_list("pk", flat=True)[:500]))
