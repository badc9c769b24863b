"""REST of plans: what a run set out to do, step by step, and which runs carried it out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import Http404
from ninja import Schema
from pydantic import Field

from agentops.rest import Request, listed

from ..models import Plan, PlanStep
from ..pages.plan import Tried, current_of
from .runs import run_of
from .ways import router


class PlanStepOut(Schema):
    key: str = Field(examples=["sales"])
    title: str = Field(examples=["Look up the sales"])
    instruction: str = Field(examples=["Sum up the sales of the last 7 days."])
    after: list[str] = Field(description="Keys of the steps whose results it needs.", examples=[[]])
    tools: list[str] = Field(examples=[["sql_query"]])
    max_tool_calls: int = Field(examples=[5])
    status: Annotated[PlanStep.Status, listed(PlanStep.Status)] = Field(examples=["done"])
    tries: int = Field(examples=[1])
    result: str = Field(description="What it came to; why, when it failed or was skipped.", examples=["812.40 USD"])
    runs: list[UUID] = Field(description="Those that carried it out, one for each try.")

    @classmethod
    def of(cls, tried: Tried) -> PlanStepOut:
        names = ("key", "title", "instruction", "after", "tools", "max_tool_calls", "status", "tries", "result")
        fields = {name: getattr(tried.step, name) for name in names}
        return cls(**fields, runs=[run.pk for run in tried.runs])


class PlanOut(Schema):
    number: int = Field(description="1, and one more with each plan that replaced the one before.", examples=[1])
    status: Annotated[Plan.Status, listed(Plan.Status)] = Field(examples=["approved"])
    edited_by: str = Field(description="Who changed it before it was approved.", examples=[""])
    created_at: datetime
    steps: list[PlanStepOut] = Field(description="In their order; 40 at most.")


@router.get("/{uuid:run_id}/plan", response=PlanOut, summary="Read a run's plan")
def get_plan(request: Request, run_id: UUID) -> PlanOut:
    """The latest one, how each of its steps stands, and the runs that carry them out; 404 when the run has none."""
    found = current_of(run_of(request, run_id))
    if found is None:
        raise Http404
    plan = found.plan
    return PlanOut(
        number=plan.number,
        status=plan.status,
        edited_by=plan.edited_by_name,
        created_at=plan.created_at,
        steps=[PlanStepOut.of(tried) for tried in found.steps],
    )
