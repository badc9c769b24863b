"""Fork a run: a new one that remembers another's steps up to one of them, and goes another way from there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import InvalidInput

from .. import assembly, history
from ..models import AgentVersion, Run, Step
from ..texts import check_text
from .control import Events, control
from .founding import found_run
from .starting import MAX_GOAL, check_limits, own_limits

VERSIONS = ("same", "live")
MAX_WORDS = 20_000


def fork_run(
    actor: Actor,
    run_id: UUID | str,
    step: int,
    words: str = "",
    version: str = "same",
    limits: dict[str, Any] | None = None,
    goal: str | None = None,
    *,
    via: str = "page",
) -> Run:
    """A new run whose history is this one's before `step`, which it takes anew, told `words` besides.

    No row is copied; the files of the workspace are, as they are now. `version`: the agent's version that the run had
    (`same`) or the live one. `goal`: another one, where it begins at step 1. Raises Run.DoesNotExist, NotAllowed, and
    InvalidInput with the field at fault.
    """
    words = check_text(words, "words", MAX_WORDS).strip()
    original = Run.objects.visible_to(actor).select_related("version", "agent__live").get(pk=run_id)
    actor.require(Right.OPERATE, original.team_id)
    _check_step(original, step)
    goal = _goal(original, step, goal)
    chosen = _version(original, version, step)
    values = _limits_of(original, chosen, step, limits or {})
    made: list[Run] = []
    fork_id = uuid4()

    def fork(run: Run) -> Events:
        made.append(
            found_run(
                actor,
                run,
                via=via,
                noted=f"forked it from another run at step {step}",
                note=words,
                id=fork_id,
                version=chosen,
                goal=goal,
                inputs=run.inputs,
                only_tools=run.only_tools,
                answer_schema=run.answer_schema,
                priority=run.priority,
                depth=run.depth,
                forked_from=run,
                forked_step=step,
                fork_words=words,
                steps=step - 1,
                wake_at=Now(),
                **values,
            )
        )
        return []

    assembly.copy_workspace(original.pk, fork_id)
    try:
        control(actor, run_id, f"forked it at step {step}", fork, other=fork_id)
    except BaseException:
        assembly.remove_workspace(fork_id)
        raise
    return made[0]


def _check_step(run: Run, step: int) -> None:
    """It must be a turn of the run, or of what it shares; a run that carries out a plan has none to begin from."""
    if isinstance(step, bool) or not isinstance(step, int) or not 0 < step < 2**31:
        raise InvalidInput(_("Say the number of the step from which it goes another way."), "step")
    if run.plans.exists():
        raise InvalidInput(_("It works by a plan: change the plan, or start another run."), "step")
    kinds = set(history.steps_of(run).filter(number=step).values_list("kind", flat=True))
    if not kinds:
        raise InvalidInput(
            _("There is no step %(step)s; the last is %(last)s.") % {"step": step, "last": run.steps}, "step"
        )
    if Step.Kind.TURN not in kinds:
        raise InvalidInput(
            _("Step %(step)s is not a turn of the agent. Take one at which it was asked.") % {"step": step}, "step"
        )


def _goal(run: Run, step: int, goal: str | None) -> str:
    if goal is None:
        return run.goal
    goal = check_text(goal, "goal", MAX_GOAL).strip()
    if step > 1 and goal != run.goal:
        raise InvalidInput(
            _("Only a fork from step 1 may have another goal: later steps answer to it. Say what is new in words."),
            "goal",
        )
    if not goal:
        raise InvalidInput(_("Say what the agent is to do."), "goal")
    return goal


def _version(run: Run, version: str, step: int) -> AgentVersion:
    if version not in VERSIONS:
        raise InvalidInput(_("Say one of %(versions)s.") % {"versions": ", ".join(VERSIONS)}, "version")
    if run.agent is None or run.version is None:
        raise InvalidInput(_("Its agent was deleted, so it cannot be forked."), "version")
    if run.agent.live is None or not run.agent.active:
        raise InvalidInput(
            _("The agent “%(name)s” starts no runs: it is switched off.") % {"name": run.agent.name}, "version"
        )
    chosen = run.version if version == "same" else run.agent.live
    if step > 1 and chosen.plans and run.only_tools is None:
        raise InvalidInput(
            _("This version works by a plan, which is made at step 1: fork there, or take the version the run had."),
            "version",
        )
    return chosen


def _limits_of(run: Run, version: AgentVersion, step: int, asked: dict[str, Any]) -> dict[str, int | Decimal]:
    """The version's own, or less. Steps are counted on from the fork: those shared count."""
    values = own_limits(version) | check_limits(version, asked)
    if "max_steps" not in asked:
        # Somebody may have raised the original's.
        values["max_steps"] = max(values["max_steps"], run.max_steps)
    if values["max_steps"] < step:
        raise InvalidInput(
            _("It begins at step %(step)s, and steps are counted on: give at least %(step)s.") % {"step": step},
            "limits.max_steps",
        )
    return values
