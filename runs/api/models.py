"""REST of models: which ones agents name, what their tokens cost, and where that price comes from."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from ninja import Router, Schema
from pydantic import Field

from agentops.gateway.pricing import OVERRIDDEN, Pricing
from agentops.gateway.rates import Band
from agentops.rest import Body, Cursor, Limit, Page, Request, Usd, access, page_of

from ..actions.prices import clear_price, set_price
from ..models import Agent, ModelPrice

router = Router(tags=["Models"], auth=access("runs:read"))
ADMIN = access("admin")
Price = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=4)]

FIELDS = ("input_usd", "output_usd", "cache_read_usd", "cache_write_usd")


class BandOut(Schema):
    """USD per million tokens for calls with more than `above` tokens of input; the whole call is priced so."""

    above: int = Field(examples=[0])
    input_usd: Usd
    output_usd: Usd
    cache_read_usd: Usd
    cache_write_usd: Usd


class ModelOut(Schema):
    name: str = Field(examples=["claude-sonnet-4-5"])
    agents: list[str] = Field(description="Those of yours whose chain names it.", examples=[["support-desk"]])
    prices: list[BandOut]
    source: str = Field(examples=[OVERRIDDEN])


class PriceIn(Body):
    """USD per million tokens."""

    input_usd: Price = Field(examples=["3.00"])
    output_usd: Price = Field(examples=["15.00"])
    cache_read_usd: Price = Field(examples=["0.30"])
    cache_write_usd: Price = Field(examples=["3.75"])


@router.get("", response=Page[ModelOut], summary="List models and their prices")
def list_models(request: Request, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Those that your agents name, and those with a price of your own."""
    own = {row.model: row for row in ModelPrice.objects.all()}
    named = _named_by_agents(request)
    found = page_of(sorted({*named, *own}), cursor, limit, of="models", name=str)
    return found | {"items": [_told(name, named.get(name, []), own.get(name)) for name in found["items"]]}


@router.put("/{path:model}/price", response=ModelOut, auth=ADMIN, summary="Set a model's price")
def put_price(request: Request, model: str, body: PriceIn) -> dict[str, Any]:
    """In place of the published one, for all teams; a superuser's to set."""
    row = set_price(request.actor, model, **body.model_dump())
    return _told(model, _named_by_agents(request).get(model, []), row)


@router.delete("/{path:model}/price", response={204: None}, auth=ADMIN, summary="Take a model's own price back")
def delete_price(request: Request, model: str) -> None:
    """The published price counts again."""
    clear_price(request.actor, model)


def _named_by_agents(request: Request) -> dict[str, list[str]]:
    named: defaultdict[str, list[str]] = defaultdict(list)
    for agent in Agent.objects.visible_to(request.actor).select_related("live", "candidate").order_by("name", "id"):
        chains = [version.model_chain for version in (agent.live, agent.candidate) if version]
        for model in {name for chain in chains for name in chain}:
            named[model].append(agent.name)
    return named


@cache
def _published() -> Pricing:
    return Pricing()


def _told(name: str, agents: list[str], own: ModelPrice | None) -> dict[str, Any]:
    if own:
        prices = [{"above": 0} | {field: getattr(own, field) for field in FIELDS}]
        return {"name": name, "agents": agents, "prices": prices, "source": OVERRIDDEN}
    rates, source = _published().rates(name)
    return {"name": name, "agents": agents, "prices": [_band(band) for band in rates.bands], "source": source}


def _band(band: Band) -> dict[str, Any]:
    values = (band.input, band.output, band.cache_read, band.cache_write)
    return {"above": band.above, **dict(zip(FIELDS, values, strict=True))}
