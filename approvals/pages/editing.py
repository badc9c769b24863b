"""Changing the arguments before approving: a form from the tool's schema, the JSON one tab away."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from approvals import actions, subjects
from approvals.models import ApprovalRequest
from approvals.subjects import Form

from . import decision, inbox, presenting
from .arguments import PlainForm

MOST = 400_000
"""Characters of JSON that the form takes."""


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """GET: the form. POST: `to` turns it into the other tab, nothing decides; without `to` it decides."""
    rows = ApprovalRequest.objects.visible_to(request.actor).select_related("team", "policy_version")
    row = get_object_or_404(rows, pk=request_id)
    if not presenting.may_decide(row, request.actor) or not presenting.Shown(row, True, []).can_edit:
        return _not_here(request, row)
    if request.method == "GET":
        return _show(request, row, row.arguments)
    to, text = request.POST.get("to", ""), request.POST.get("json", "")
    base = _object(request.POST.get("base", ""), row.arguments)
    if request.POST.get("tab") == "json":
        try:
            wanted, form = typed_json(text), None
        except InvalidInput as error:
            return _show(request, row, base, tab="json", text=text, problem=str(error), status=422)
    else:
        form = _sent(request, row, base)
        wanted = form.arguments
        if form.wrong:
            return _show(request, row, base, form=form, status=422)
    if to:
        return _show(request, row, wanted, form=form, tab="json" if to == "json" else "form")
    if wanted == row.arguments:
        unchanged = _("Nothing is changed yet. Change an argument, or go back and approve it as it is.")
        return _show(request, row, wanted, form=form, tab="form" if form else "json", problem=unchanged, status=422)
    return _decide(request, row, wanted, form)


def _sent(request: HttpRequest, row: ApprovalRequest, base: dict[str, Any]) -> Form:
    face = subjects.face_of(row)
    return face.sent(row, request.POST) if face else PlainForm(row, base, request.POST)


def _decide(request: HttpRequest, row: ApprovalRequest, wanted: dict[str, Any], form: Form | None) -> HttpResponse:
    tab = "form" if form else "json"
    try:
        decided = actions.decide(
            request.actor,
            row.pk,
            decision="edit",
            revision=decision.revision(request.POST.get("revision", "")),
            arguments=wanted,
            via=ApprovalRequest.Via.PAGE,
        )
    except ApprovalRequest.DoesNotExist as error:
        raise Http404 from error
    except NotAllowed as error:
        return decision.refused(request, row.pk, str(error))
    except InvalidInput as error:
        problem = "" if form and form.blame(error) else str(error)
        return _show(request, row, wanted, form=form, tab=tab, problem=problem, status=422)
    except Conflict as error:
        row.refresh_from_db()
        if row.status != ApprovalRequest.Status.PENDING:
            return decision.answer(request, row.pk, 409, conflict=str(error))
        return _show(request, row, wanted, form=form, tab=tab, problem=str(error), status=409)
    return decision.done(request, decided, "edit")


def _show(
    request: HttpRequest,
    row: ApprovalRequest,
    values: dict[str, Any],
    *,
    form: Form | None = None,
    tab: str = "form",
    text: str = "",
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """One of the two tabs, with what was typed; what no form can hold stays in the JSON, with the reason."""
    face = subjects.face_of(row)
    if tab == "form" and form is None:
        try:
            form = face.form(row, values) if face else PlainForm(row, values)
        except InvalidInput as error:
            tab, problem, status = "json", str(error), 422
    edit = {
        "face": face,
        "form": form,
        "tab": tab,
        "base": json.dumps(values, ensure_ascii=False),
        "json": text or json.dumps(values, indent=2, ensure_ascii=False),
        "problem": problem,
    }
    if request.htmx:
        return render(request, "approvals/_edit.html", {"r": row, "edit": edit}, status=status)
    context = inbox.context(request, row) | {"r": row, "edit": edit}
    return render(request, "approvals/inbox.html", context, status=status)


def _not_here(request: HttpRequest, row: ApprovalRequest) -> HttpResponse:
    """Decided meanwhile, critical, a question, or not this person's to decide: the request says which."""
    if request.method == "POST" and row.status != ApprovalRequest.Status.PENDING:
        return decision.answer(request, row.pk, 409, conflict=_("It is not pending any more."))
    if request.method == "POST":
        return decision.refused(request, row.pk, _("Its arguments cannot be changed, or not by you."))
    if request.htmx:
        return decision.answer(request, row.pk, 200)
    return redirect("approval", row.pk)


def _object(text: str, otherwise: dict[str, Any]) -> dict[str, Any]:
    try:
        return typed_json(text)
    except InvalidInput:
        return otherwise


def typed_json(text: str) -> dict[str, Any]:
    if len(text) > MOST:
        raise InvalidInput(_("This is too long."), "json")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        where = f" {error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidInput(
            _("This is not JSON yet: look at line and column%(where)s.") % {"where": where}, "json"
        ) from error
    if not isinstance(value, dict):
        raise InvalidInput(_("The arguments are a JSON object: { … }."), "json")
    if any("\ud800" <= character <= "\udfff" for character in json.dumps(value, ensure_ascii=False)):
        raise InvalidInput(_("It holds half of a surrogate pair, which is no character. Leave it out."), "json")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
