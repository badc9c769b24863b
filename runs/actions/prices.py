"""Sets an admin's own price for a model, in place of the published one, or takes it back."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import InvalidInput, NotAllowed

from ..models import ModelPrice

MOST_USD = Decimal(1_000_000)
"""A million tokens."""


def set_price(
    actor: Actor,
    model: str,
    *,
    input_usd: Decimal,
    output_usd: Decimal,
    cache_read_usd: Decimal,
    cache_write_usd: Decimal,
) -> ModelPrice:
    """USD per million tokens; zero is allowed. It counts for calls billed from now on, within seconds.

    Prices are the same for all teams, so they are a superuser's to set. Raises NotAllowed and InvalidInput.
    """
    _check_right(actor)
    if not 1 <= len(model) <= 120 or not model.isprintable() or model != model.strip():
        raise InvalidInput(_("Name a model, as the agents' chains do, in at most 120 characters."), "model")
    prices = {
        "input_usd": input_usd,
        "output_usd": output_usd,
        "cache_read_usd": cache_read_usd,
        "cache_write_usd": cache_write_usd,
    }
    for field, price in prices.items():
        if not price.is_finite() or not 0 <= price <= MOST_USD:
            raise InvalidInput(_("A price is 0 to %(most)s USD per million tokens.") % {"most": f"{MOST_USD:,}"}, field)
        if price != round(price, 4):
            raise InvalidInput(_("A price has at most 4 decimal places."), field)
    with transaction.atomic():
        row, _created = ModelPrice.objects.update_or_create(model=model, defaults=prices)
    return row


def clear_price(actor: Actor, model: str) -> None:
    """The published price counts again. Nothing happens when there was none of one's own."""
    _check_right(actor)
    ModelPrice.objects.filter(model=model.replace("\0", "")).delete()


def _check_right(actor: Actor) -> None:
    if actor.teams_with(Right.ADMINISTER) is not None or not actor.scope_allows(Right.ADMINISTER):
        raise NotAllowed(_("Only a superuser sets the price of a model."))
