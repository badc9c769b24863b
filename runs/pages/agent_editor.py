"""The editor of an agent, for people who never read code: change one, or make a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agentops.accounts.access import Right
from agentops.accounts.models import Team
from agentops.core.errors import AgentOpsError, InvalidInput
from agentops.tools.registry import registry
from runs import actions, version_diff
from runs.actions.agents import state_of
from runs.agent_form import CHILD_LABELS, LABELS, PARTS, PLANNING, VERSION_FIELDS, WORDS, AgentEditor, NewAgent
from runs.models import Agent, AgentVersion, ModelPrice

from . import criterion_rows, input_rows, tool_lines
from .agent import administered_agent, visible_agent
from .agent_words import DO, EXAMPLES, summary

MODELS_SHOWN = 4
SUMMARY_MODELS_SHOWN = 2
MANY = 200
"""Agents offered to hand work to."""


@dataclass
class Rows:
    """The parts of the form that grow by buttons."""

    inputs: list[input_rows.Row]
    criteria: list[criterion_rows.Row]

    @classmethod
    def of(cls, version: AgentVersion | None) -> Rows:
        if version is None:
            return cls([], [])
        return cls(input_rows.from_version(version.inputs), criterion_rows.from_version(version.success))

    @classmethod
    def posted(cls, post: QueryDict) -> Rows:
        return cls(input_rows.from_post(post), criterion_rows.from_post(post))

    def changed(self, do: str) -> Rows:
        if do.startswith("criterion-"):
            return Rows(self.inputs, criterion_rows.changed(self.criteria, do))
        return Rows(input_rows.changed(self.inputs, do), self.criteria)

    def blame(self, problem: InvalidInput) -> bool:
        return input_rows.blame(self.inputs, problem) or criterion_rows.blame(self.criteria, problem)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, team: str, name: str) -> HttpResponse:
    agent = administered_agent(request, team, name)
    start = _start_from(agent, request.GET.get("from", ""))
    rows = Rows.posted(request.POST) if request.method == "POST" else Rows.of(start)
    if request.method != "POST":
        form = AgentEditor(initial=_initial(agent, start))
        return _show(request, form, rows, agent=agent, base=state_of(agent))
    base = request.POST.get("base", "")
    if do := request.POST.get("do"):
        form = AgentEditor(initial=_typed(request))
        return _show(request, form, rows.changed(do), agent=agent, base=base)
    form = AgentEditor(request.POST)
    problem: AgentOpsError | None = None
    if form.is_valid():
        try:
            version = actions.edit_agent(
                request.actor,
                agent,
                base=base,
                words=form.words,
                candidate_percent=form.candidate_percent,
                note=form.cleaned_data["note"],
                **_fields(form, rows, agent.live),
            )
        except AgentOpsError as error:
            problem = error
        else:
            messages.success(request, _said(agent, version, form.candidate_percent))
            return redirect("agent", team, name)
    agent = visible_agent(request, team, name)
    meanwhile = _meanwhile(agent, base) if isinstance(problem, actions.AgentChanged) else None
    base = state_of(agent) if meanwhile else base
    return _show(request, form, rows, problem, agent=agent, base=base, meanwhile=meanwhile)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    mine = request.actor.teams_with(Right.ADMINISTER)
    teams = list(Team.objects.order_by("name") if mine is None else Team.objects.filter(pk__in=mine).order_by("name"))
    if not teams:
        raise PermissionDenied
    like = _like(request)
    if request.method != "POST":
        form = NewAgent(initial=_initial(like, like and like.live) | _fresh(like, teams), teams=teams)
        return _show(request, form, Rows.of(like.live if like else None), teams=teams, like=like)
    rows = Rows.posted(request.POST)
    if do := request.POST.get("do"):
        form = NewAgent(initial=_typed(request), teams=teams)
        return _show(request, form, rows.changed(do), teams=teams)
    form = NewAgent(request.POST, teams=teams)
    problem: AgentOpsError | None = None
    if form.is_valid():
        chosen = next(team for team in teams if team.slug == form.cleaned_data["team"])
        try:
            agent = actions.create_agent(
                request.actor,
                chosen.pk,
                name=form.cleaned_data["name"],
                note=form.cleaned_data["note"],
                **form.words,
                **_fields(form, rows, None),
            )
        except AgentOpsError as error:
            problem = error
        else:
            messages.success(request, _("Made. It may be started at once."))
            return redirect("agent", chosen.slug, agent.name)
    return _show(request, form, rows, problem, teams=teams)


def _show(
    request: HttpRequest,
    form: AgentEditor,
    rows: Rows,
    problem: AgentOpsError | None = None,
    **more: Any,
) -> HttpResponse:
    if isinstance(problem, InvalidInput) and (rows.blame(problem) or problem.field in form.fields):
        if problem.field in form.fields:
            form.add_error(problem.field, str(problem))
        problem = None
    agent: Agent | None = more.get("agent")
    team_id = agent.team_id if agent else more["teams"][0].pk
    tiers = tool_lines.tiers_of([team_id])
    chosen = form["tools"].value() or []
    models = (form["model_chain"].value() or "").split()
    summary_models = (form["summary_chain"].value() or "").split()
    teams = [agent.team_id] if agent else [team.pk for team in more["teams"]]
    refused = form.is_bound
    context = {
        "form": form,
        "rows": rows.inputs,
        "criteria": rows.criteria,
        "focus_add": request.POST.get("do", "").endswith("-remove"),
        "kinds": input_rows.KIND_WORDS.items(),
        "problem": problem,
        "refused": refused,
        "tools": [(tool_lines.line(name, team_id, tiers), name in chosen) for name in _offered(chosen)],
        "gone": [name for name in chosen if registry.get(name) is None],
        "planning": [(choice, name, DO[choice]) for choice, name in PLANNING.items()],
        **_workers(teams, form["delegates_to"].value() or [], agent),
        "summary_models": [*summary_models, *[""] * max(1, SUMMARY_MODELS_SHOWN - len(summary_models))],
        "child_limits": [form[name] for name in CHILD_LABELS],
        **EXAMPLES,
        "now": summary(agent.live if agent else None),
        "open_parts": _open_parts(form, rows, request.POST.get("do", "")),
        "models": [*models, *[""] * max(1, MODELS_SHOWN - len(models))],
        "known_models": _known_models(),
        "limits": [form[name] for name in LABELS],
        **more,
    }
    status = 409 if more.get("meanwhile") else 422 if refused else 200
    return render(request, "runs/agent_editor.html", context, status=status)


def _fields(form: AgentEditor, rows: Rows, live: AgentVersion | None) -> dict[str, Any]:
    """Tools stay in the order they had: a checklist has none of its own."""
    known = live.tools if live else []
    fields = form.version_fields()
    tools = sorted(fields["tools"], key=lambda name: known.index(name) if name in known else len(known))
    asked = {"inputs": [row.declared() for row in rows.inputs], "success": criterion_rows.declared(rows.criteria)}
    return fields | {"tools": tools} | asked


def _open_parts(form: AgentEditor, rows: Rows, do: str) -> dict[str, bool]:
    """A folded part opens by itself where something stands or is wrong."""
    value = {name: form[name].value() for name in PARTS}
    wrong = form.errors if form.is_bound else {}
    return {
        "planning": value["planning"] not in (None, "", AgentVersion.Planning.NONE) or "planning" in wrong,
        "delegates": bool(value["delegates_to"]) or any(name in wrong for name in ("delegates_to", *CHILD_LABELS)),
        "answer": bool(value["answer_schema"]),
        "success": bool(rows.criteria) or do.startswith("criterion-"),
        "context": bool(value["context_tokens"] or value["summary_chain"]),
    }


def _offered(chosen: list[str]) -> list[str]:
    """Tools to tick. The one that hands work over comes with the agents that it may hand work to."""
    return [
        name for name in registry.names() if name in chosen or not ((tool := registry.get(name)) and tool.starts_run)
    ]


def _workers(teams: list[int], chosen: list[str], agent: Agent | None) -> dict[str, Any]:
    """Agents that may be handed work, those first that are, and names that are no agent's any more."""
    rows = list(Agent.objects.filter(team_id__in=teams).select_related("team").order_by("title", "pk")[:MANY])
    rows.sort(key=lambda row: row.name not in chosen)
    names = {row.name for row in rows}
    if missing := [name for name in chosen if name not in names]:
        found = Agent.objects.filter(team_id__in=teams, name__in=[name for name in missing if "\x00" not in name])
        rows = [*found.select_related("team"), *rows]
        names |= {row.name for row in rows}
    return {
        "workers": [(row, row.name in chosen, agent is not None and row.pk == agent.pk) for row in rows],
        "gone_workers": [name for name in chosen if name not in names],
        "several_teams": len(teams) > 1,
    }


def _start_from(agent: Agent, number: str) -> AgentVersion | None:
    """The version that the editor begins with: a chosen one, else the live one."""
    if number.isascii() and number.isdigit() and len(number) < 9:
        return agent.versions.filter(number=int(number)).first() or agent.live
    return agent.live


def _initial(agent: Agent | None, version: AgentVersion | None) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(agent, name) for name in WORDS} if agent else {}
    source = version or AgentVersion()
    values |= {name: getattr(source, name) for name in VERSION_FIELDS}
    values["max_cost_usd"] = f"{values['max_cost_usd']:f}".rstrip("0").rstrip(".") if version else "1"
    return values | {"model_chain": "\n".join(source.model_chain), "reach": "all", "percent": 10}


def _fresh(like: Agent | None, teams: list[Team]) -> dict[str, Any]:
    if like is None:
        return {"team": teams[0].slug}
    own = next((team.slug for team in teams if team.pk == like.team_id), teams[0].slug)
    return {"team": own, "title": _("%s, copy") % like.title, "name": f"{like.name[:75]}-copy"}


def _typed(request: HttpRequest) -> dict[str, Any]:
    """Everything as it was typed, for a form that is not being sent yet."""
    boxes = {name: request.POST.getlist(name) for name in ("tools", "delegates_to")}
    lines = {name: "\n".join(request.POST.getlist(name)) for name in ("model_chain", "summary_chain")}
    return request.POST.dict() | boxes | lines


def _like(request: HttpRequest) -> Agent | None:
    team, _slash, name = request.GET.get("like", "").replace("\x00", "").partition("/")
    rows = Agent.objects.visible_to(request.actor).select_related("live", "team")
    return rows.filter(team__slug=team, name=name).first() if name else None


def _meanwhile(agent: Agent, base: str) -> dict[str, Any]:
    """What others changed since the form was opened."""
    number, words = base.partition(".")[0], base.rpartition(".")[2]
    before = agent.versions.filter(number=int(number)).first() if number.isdigit() and len(number) < 9 else None
    live = agent.live
    return {
        "version": live if live and before != live else None,
        "differences": version_diff.between(before, live) if before and live else [],
        "words": words != state_of(agent).rpartition(".")[2],
    }


def _known_models() -> list[str]:
    return list(ModelPrice.objects.order_by("model").values_list("model", flat=True)[:100])


def _said(agent: Agent, version: AgentVersion, percent: int | None) -> str:
    if percent is not None:
        return _("Version %(number)s takes %(percent)s %% of new runs.") % {
            "number": version.number,
            "percent": percent,
        }
    return _("Saved. Version %s is live; runs under way keep theirs.") % version.number
