"""Prices of models: what is in use and where it comes from; a superuser puts own ones in front."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from agentops.accounts.access import Actor, Right
from agentops.core.errors import AgentOpsError, InvalidInput
from agentops.gateway.rates import Band
from runs import estimating
from runs.actions.prices import clear_price, set_price
from runs.models import Agent, ModelPrice

FIELDS = ("input_usd", "output_usd", "cache_read_usd", "cache_write_usd")


@dataclass(frozen=True, slots=True)
class Price:
    model: str
    own: ModelPrice | None
    band: Band
    source: str
    bands: int


@dataclass(frozen=True, slots=True)
class Prices:
    rows: list[Price]
    may_change: bool


def shown(actor: Actor) -> Prices:
    """Of every model that an agent's live version names, and those with a price of one's own. Two queries."""
    own = {price.model: price for price in ModelPrice.objects.all()}
    chains = Agent.objects.visible_to(actor).filter(live__isnull=False).values_list("live__model_chain", flat=True)
    named = {model for chain in chains for model in chain if isinstance(model, str)}
    return Prices(
        [_price(model, own.get(model)) for model in sorted(named | own.keys())],
        actor.teams_with(Right.ADMINISTER) is None,
    )


def _price(model: str, own: ModelPrice | None) -> Price:
    rates, source = estimating.pricing().rates(model)
    return Price(model, own, rates.bands[0], source, len(rates.bands))


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    try:
        values = {name: _amount(request.POST.get(name, ""), name) for name in FIELDS}
        set_price(request.actor, request.POST.get("model", "").strip(), **values)
    except AgentOpsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The price counts from the next call on."))
    return redirect("budgets")


@require_POST
def delete(request: HttpRequest) -> HttpResponse:
    try:
        clear_price(request.actor, request.POST.get("model", ""))
    except AgentOpsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The published price counts again."))
    return redirect("budgets")


def _amount(text: str, field: str) -> Decimal:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        raise InvalidInput(_("Write prices in USD per million tokens, such as 3 or 0.25."), field) from None
