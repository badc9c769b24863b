"""What the policy says to the calls of a step: run now, or wait for a person."""

from __future__ import annotations

from agentops.core.states import CallStatus
from agentops.core.tools import Tier, Toolbox
from agentops.engine.state import Call, RunState
from approvals import policy
from approvals.actions import open_request

from . import subject

Verdicts = dict[int, policy.Verdict]
"""By the call's position."""


def judge(state: RunState, toolbox: Toolbox, calls: list[Call]) -> Verdicts:
    """Gives every proposed call its tier and status, `executing` or `held`; one query whatever their number."""
    proposed = [call for call in calls if call.status is CallStatus.PROPOSED]
    if not proposed:
        return {}
    live = policy.snapshot(state.team_id)
    verdicts: Verdicts = {}
    for call in proposed:
        tool = toolbox.get(call.tool)
        verdict = live.verdict(
            tool=call.tool,
            own_tier=tool.tier if tool else Tier.HIGH,
            agent=state.agent.name,
            arguments=call.arguments,
            tainted_by=state.tainted_by,
            facts={
                "reads_only": call.reads_only,
                "cost_usd": state.cost_usd,
                "steps": state.steps,
                "tool_calls": state.tool_calls,
            },
        )
        call.tier, call.rule, call.reason = verdict.tier.value, verdict.rule, verdict.reason
        call.policy_version_id = verdict.policy_version_id
        call.status = CallStatus.EXECUTING if verdict.tier is Tier.LOW else CallStatus.HELD
        verdicts[call.position] = verdict
    return verdicts


def hold(state: RunState, calls: list[Call], verdicts: Verdicts, said: str) -> None:
    """A request for each held call, in the transaction that stores the calls."""
    for call in calls:
        if call.status is CallStatus.HELD:
            open_request(
                team_id=state.team_id,
                verdict=verdicts[call.position],
                tool=call.tool,
                arguments=call.arguments,
                effect=call.effect,
                bound_hash=call.bound_hash,
                subject_kind=subject.KIND,
                subject_id=str(call.id),
                context={
                    "run_id": state.id,
                    "run_url": f"/runs/{state.id}/#step-{state.steps}",
                    "goal": state.goal[:2000],
                    "agent_title": state.agent.title,
                    "step": state.steps,
                    "said": said[-2000:],
                },
                agent=state.agent.name,
                tainted_by=state.tainted_by,
            )
