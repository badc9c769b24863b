"""The workers: their load and health, and how long runs wait for one. Kept fresh by asking every few seconds."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from agentops.accounts.pages.answers import not_for_you
from runs import workforce


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    return _shown(request, "runs/workers.html")


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    return _shown(request, "runs/_workers.html")


def _shown(request: HttpRequest, template: str) -> HttpResponse:
    if not workforce.may_see(request.actor):
        return not_for_you(request, _("Workers"), _("an operator or an admin of a team"))
    return render(request, template, {"force": workforce.look(request.actor)})
