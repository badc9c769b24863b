"""Take back what a run did: the calls that its tools name for it, last deed first, in a run of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agentops.accounts.access import Actor, Right
from agentops.core.errors import Conflict
from agentops.core.states import CallStatus
from agentops.core.tools import Compensation, InvalidArguments, Tool
from agentops.tools.registry import registry

from .. import tree
from ..models import AgentVersion, Run, RunMessage, ToolCall
from .control import Events, control
from .founding import found_run
from .starting import own_limits

DONE = (CallStatus.SUCCEEDED, CallStatus.DONE_BY_PERSON)
HAPPENED = (*DONE, CallStatus.IN_DOUBT, CallStatus.EXECUTING)
"""What may have had an effect."""
STILL = (Run.Status.PAUSED, *Run.FINAL)
MOST = 500
"""Calls that one run takes back."""
_FIRST = gettext_lazy("Somebody was first: it is being taken back already.")


@dataclass(frozen=True, slots=True)
class Left:
    """A deed that cannot be taken back, and why."""

    call: ToolCall
    why: str

    @property
    def words(self) -> str:
        return f"{self.call.effect or self.call.tool} ({_('step')} {self.call.step.number}): {self.why}"


@dataclass
class Undoing:
    """What would be done: `orders` for `calls`, in this order, and what is `left`."""

    calls: list[ToolCall] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)
    """The effect of each order, in words."""


def undo_run(actor: Actor, run_id: UUID | str, *, via: str = "page") -> Run:
    """Take back all that can be, as a new run whose calls go under policy one by one; its answer is the report.

    The run must have ended or be paused. Raises Run.DoesNotExist, NotAllowed, and Conflict when nothing can be taken
    back, or somebody was first.
    """
    return _undo(actor, run_id, None, via)


def undo_call(actor: Actor, call_id: int, *, via: str = "page") -> Run:
    """Take back this one deed. A run that goes on is told of it. Raises ToolCall.DoesNotExist, else as `undo_run`."""
    found = ToolCall.objects.filter(run__in=Run.objects.visible_to(actor)).get(pk=call_id)
    return _undo(actor, found.run_id, found.pk, via)


def preview(run: Run) -> Undoing:
    """What `undo_run` would do now. Nothing is changed."""
    return plan(run, by="")


def plan(run: Run, by: str, call_id: int | None = None) -> Undoing:
    """Two queries, whatever the run did: only what happened and is not taken back already."""
    calls = run.call_set.filter(status__in=HAPPENED).select_related("step", "undo_run").order_by("-step__number", "-pk")
    if call_id is not None:
        calls = calls.filter(pk=call_id)
    found = Undoing()
    happened = list(calls)
    outcomes = outcomes_of([call for call in happened if call.undo_run_id])
    for call in happened:
        tool = registry.get(call.tool)
        if tool is not None and (tool.reads_only or tool.asks_person):
            continue
        if is_taken(call, outcomes):
            continue
        _consider(found, call, tool, by)
    return found


def doers_below(run: Run) -> list[Run]:
    """Of the runs below it those that did what can be taken back and is not; each is rolled back by itself."""
    below = {one.pk: one for one in tree.below(run).every()}
    if not below:
        return []
    tools = {name: tool for name in registry.names() if (tool := registry.get(name)) and tool.can_undo}
    deeds = ToolCall.objects.filter(run__in=below, status=CallStatus.SUCCEEDED, tool__in=tools)
    calls = list(deeds.select_related("undo_run"))
    outcomes = outcomes_of([call for call in calls if call.undo_run_id])
    doers = {call.run_id for call in calls if not is_taken(call, outcomes) and _way_back(call, tools[call.tool])}
    return [one for pk, one in below.items() if pk in doers]


def _way_back(call: ToolCall, tool: Tool) -> Compensation | None:
    return tool.compensation(call.arguments, (call.result or {}).get("data"))


def outcomes_of(calls: list[ToolCall]) -> dict[int, ToolCall]:
    """The latest call that takes each back, by the id of what it takes back."""
    if not calls:
        return {}
    found = ToolCall.objects.filter(undoes__in=[call.pk for call in calls]).order_by("pk")
    return {call.undoes_id: call for call in found if call.undoes_id is not None}


def is_taken(call: ToolCall, outcomes: dict[int, ToolCall]) -> bool:
    """It was taken back, or a run is about to. One that failed at it leaves the way free."""
    if call.undo_run is None:
        return False
    tried = outcomes.get(call.pk)
    if tried is not None and tried.run_id == call.undo_run_id:
        open_or_done = (*HAPPENED, CallStatus.PROPOSED, CallStatus.HELD, CallStatus.APPROVED)
        return tried.status in open_or_done
    return not call.undo_run.is_final


def _consider(found: Undoing, call: ToolCall, tool: Tool | None, by: str) -> None:
    why = _why_not(call, tool)
    order = None if why or tool is None else _way_back(call, tool)
    if not why and order is None:
        why = _("from what it returned, %(tool)s cannot say how") % {"tool": call.tool}
    elif order is not None:
        back = registry.get(order[0])
        try:
            if back is None:
                raise InvalidArguments(_("the tool %(tool)s is not installed") % {"tool": order[0]})
            checked = back.validate(order[1])
        except InvalidArguments as error:
            why = str(error).splitlines()[0][:300]
        else:
            if len(found.orders) < MOST:
                found.calls.append(call)
                found.deeds.append(back.effect_line(checked))
                found.orders.append({"tool": back.name, "arguments": checked, "by": by, "note": "", "undoes": call.pk})
                return
            why = _("one run takes back %(most)s at most: roll the rest back afterwards") % {"most": MOST}
    found.left.append(Left(call, why))


def _why_not(call: ToolCall, tool: Tool | None) -> str:
    if call.status == CallStatus.EXECUTING:
        return _("it is still under way")
    if call.status == CallStatus.IN_DOUBT:
        return _("it is in doubt: say first whether it happened")
    if call.status == CallStatus.DONE_BY_PERSON:
        return _("a person did it outside")
    if tool is None:
        return _("its tool is not installed any more")
    if getattr(tool, "starts_run", False):
        return _("another run did it: roll that one back by itself")
    if not tool.can_undo:
        return _("%(tool)s says of no way back") % {"tool": call.tool}
    return ""


def _undo(actor: Actor, run_id: UUID | str, call_id: int | None, via: str) -> Run:
    made: list[Run] = []
    undo_id = uuid4()

    def undo(run: Run) -> Events:
        if call_id is None and run.status not in STILL:
            raise Conflict(_("It could do more meanwhile: pause it first, or wait for its end."))
        version = run.version
        if version is None:
            raise Conflict(_("Its agent was deleted, so no run can be started to take anything back."))
        found = plan(run, str(actor)[:150], call_id)
        if not found.orders:
            raise Conflict(_nothing(run, found, call_id))
        made.append(_found(actor, run, version, found, via=via, id=undo_id, whole=call_id is None))
        for call in found.calls:
            _claim(call, made[0])
        if not run.is_final:
            _tell(actor, run, found)
        return []

    visible = Run.objects.visible_to(actor).get(pk=run_id)
    actor.require(Right.OPERATE, visible.team_id)
    what = "began to roll it back" if call_id is None else "began to take an action back"
    control(actor, run_id, what, undo, other=undo_id)
    return made[0]


def _found(actor: Actor, run: Run, version: AgentVersion, found: Undoing, *, whole: bool, **fields: Any) -> Run:
    limits = own_limits(version)
    # Nothing of it asks a model; each order takes a step, and may be told something besides.
    limits["max_steps"] = max(limits["max_steps"], len(found.orders) + 10)
    limits["max_tool_calls"] = max(limits["max_tool_calls"], len(found.orders) + 10)
    goal = (
        _("Roll back: %(goal)s") % {"goal": run.goal[:2000]}
        if whole
        else _("Take back: %(effect)s") % {"effect": (found.calls[0].effect or found.calls[0].tool)[:2000]}
    )
    left = [one.words[:1000] for one in found.left]
    return found_run(
        actor,
        run,
        noted="began to take back what another run did",
        version=version,
        goal=goal,
        inputs={"cannot_be_undone": left} if left else {},
        undoes=run,
        orders=found.orders,
        only_tools=sorted({order["tool"] for order in found.orders}),
        wake_at=Now(),
        **limits,
        **fields,
    )


def _claim(call: ToolCall, undo: Run) -> None:
    """Raises Conflict when another run takes it back already."""
    before = call.undo_run
    if before is not None:
        # It failed at this call, and must not take it up again when somebody lets it go on.
        earlier = Run.objects.select_for_update().get(pk=before.pk)
        if not earlier.is_final and any(order.get("undoes") == call.pk for order in earlier.orders):
            raise Conflict(_FIRST)
        earlier.orders = [order for order in earlier.orders if order.get("undoes") != call.pk]
        earlier.save(update_fields=["orders"])
    claimed = ToolCall.objects.filter(pk=call.pk, undo_run=before, status=call.status).update(undo_run=undo)
    if not claimed:
        raise Conflict(_FIRST)


def _tell(actor: Actor, run: Run, found: Undoing) -> None:
    """An agent that goes on must not count on what is taken back."""
    effects = "; ".join(call.effect or call.tool for call in found.calls)
    text = f"I am taking this back, by another run; do not count on it, and do not do it again unasked: {effects}"
    RunMessage.objects.create(run=run, text=text[:20_000], by=actor.user, by_name=str(actor)[:150])
    Run.objects.filter(pk=run.pk).update(unread=F("unread") + 1)


def title_of(run: Run) -> str:
    """What a run below another is to do, in a few words."""
    return (run.plan_step.title if run.plan_step else run.goal)[:90]


def _nothing(run: Run, found: Undoing, call_id: int | None) -> str:
    if call_id is None and (doers := doers_below(run)):
        named = ", ".join(f"“{title_of(one)}”" for one in doers[:5])
        return _("What can be taken back was done by runs below it; roll them back by themselves: %(runs)s.") % {
            "runs": f"{named} …" if len(doers) > 5 else named
        }
    if found.left:
        reasons = "; ".join(one.words for one in found.left[:5])
        return _("Nothing of it can be taken back. %(reasons)s") % {"reasons": reasons}
    if call_id is None:
        return _("It did nothing that is left to be taken back.")
    call = ToolCall.objects.get(pk=call_id)
    if call.undo_run_id:
        return _("Somebody was first: it is taken back, or being taken back, by another run.")
    if call.status in HAPPENED:
        return _("There is nothing to take back: it changed nothing.")
    return _("There is nothing to take back: it was not carried out (%(status)s).") % {
        "status": call.get_status_display().lower()
    }
