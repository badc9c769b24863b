"""The form that forks a run from one of its steps: the words, version and limits of the new run, and what is shared."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agentops.accounts.access import Right
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from runs import actions, history
from runs.actions.starting import LIMITS, own_limits
from runs.agent_form import LABELS
from runs.models import Run, Step

from .rail import files_of
from .seeing import visible_run
from .start import typed_limits


def can_fork(run: Run) -> bool:
    """One that works by a plan has no turn to fork from; a run that carries out a step of one has."""
    return run.version is not None and (not run.version.plans or run.only_tools is not None)


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, run_id: UUID, number: int) -> HttpResponse:
    run = visible_run(request, run_id)
    if not request.actor.can(Right.OPERATE, run.team_id):
        raise PermissionDenied
    step = get_object_or_404(history.steps_of(run).order_by("-number"), number=number)
    if request.method == "GET":
        return _form(request, run, step)
    try:
        fork = actions.fork_run(
            request.actor,
            run.pk,
            number,
            words=request.POST.get("words", "").replace("\r\n", "\n"),
            version=request.POST.get("version", "same"),
            limits=typed_limits(request),
            goal=request.POST["goal"].replace("\r\n", "\n") if "goal" in request.POST else None,
        )
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error
    except (InvalidInput, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _form(request, run, step, str(error), getattr(error, "field", ""), status)
    return redirect("run", fork.pk)


def _form(
    request: HttpRequest, run: Run, step: Step, error: str = "", field: str = "", status: int = 200
) -> HttpResponse:
    typed = request.POST
    shown = {"words", "version", "goal"} if step.number == 1 else {"words", "version"}
    live = run.agent.live if run.agent else None
    context = {
        "run": run,
        "step": step,
        "error": error,
        "field": field,
        "elsewhere": bool(error) and field not in shown and not field.startswith("limits."),
        "words": typed.get("words", ""),
        "goal": typed.get("goal", run.goal),
        "version": typed.get("version", "same"),
        "live": live if live and live != run.version else None,
        "limits": [
            {"name": name, "label": LABELS[name], "value": typed.get(name, ""), "default": value}
            for name, value in _usual(run).items()
        ],
        "shared": step.number - 1,
        "files": len(files_of(run)),
    }
    return render(request, "runs/fork.html", context, status=status)


def _usual(run: Run) -> dict[str, Any]:
    if run.version is None:
        return dict.fromkeys(LIMITS, "")
    own = own_limits(run.version)
    own["max_steps"] = max(own["max_steps"], run.max_steps)
    own["max_cost_usd"] = f"{own['max_cost_usd'].normalize():f}"
    return own


def origin_words(run: Run) -> str:
    """Of a fork: what its page says about where it comes from."""
    if run.forked_step == 1:
        return _("It begins anew, from the first step.")
    return _("The steps before %(step)s are shared with it: they are shown here and stand there.") % {
        "step": run.forked_step
    }
