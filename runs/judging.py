"""What the policy says to the calls of a step: run now, or wait for a person."""

from __future__ import annotations

from agentops.core.states import CallStatus
from agentops.core.tools import InvalidArguments, Tier, Toolbox
from agentops.engine.state import Call, RunState
from approvals import policy
from approvals.actions import open_request
from approvals.models import ApprovalRequest

from . import subject

Wants = ApprovalRequest.Wants
LAST_DEEDS = 5

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
        if call.asks_person:
            call.tier, call.status, verdicts[call.position] = Tier.LOW.value, CallStatus.HELD, policy.QUESTION
            continue
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


def hold(state: RunState, toolbox: Toolbox, calls: list[Call], verdicts: Verdicts, said: str) -> None:
    """A request for each held call, in the transaction that stores the calls."""
    for call in calls:
        if call.status is CallStatus.HELD:
            tool = toolbox.get(call.tool)
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
                    "run_url": f"/runs/{state.id}/#step-{state.turn}",
                    "goal": state.goal[:2000],
                    "agent_title": state.agent.title,
                    "step": state.turn,
                    "said": said[-2000:],
                    "last_steps": _last_deeds(state, toolbox),
                },
                agent=state.agent.name,
                tainted_by=state.tainted_by,
                wants=Wants.ANSWER if call.asks_person else Wants.DECISION,
                input_schema=tool.spec.input_schema if tool else None,
            )


def _last_deeds(state: RunState, toolbox: Toolbox) -> list[str]:
    """What the run did last, in the effect lines of its tools, oldest first."""
    blocks = [block for message in state.messages for block in message["content"]]
    failed = {block["tool_use_id"] for block in blocks if block.get("type") == "tool_result" and block.get("is_error")}
    uses = [block for block in blocks if block.get("type") == "tool_use" and block.get("id") not in failed]
    lines = []
    for use in uses[-LAST_DEEDS:]:
        tool = toolbox.get(use["name"])
        try:
            lines.append(tool.effect_line(tool.validate(use["input"]))[:300] if tool else "")
        except InvalidArguments:
            continue
    return [line for line in lines if line]
