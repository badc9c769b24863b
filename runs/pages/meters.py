"""A run's limits: as bars, and as fields in which a person raises them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from agentops.core.states import StopReason
from agentops.templatetags.console import compact, seconds, usd
from runs.actions.steering import LIMIT_OF
from runs.models import Run


@dataclass(frozen=True, slots=True)
class Meter:
    field: str
    name: str
    label: str
    used: str
    limit: str
    value: float
    most: Any
    hit: bool

    @property
    def level(self) -> str:
        share = self.value / float(self.most) if self.most else 0.0
        return "full" if share >= 1 or self.hit else "near" if share >= 0.8 else ""

    @property
    def present(self) -> str:
        """The limit as a field has it."""
        return f"{self.most.normalize():f}" if isinstance(self.most, Decimal) else str(self.most)

    @property
    def suggested(self) -> str:
        """Twice as much, of the limit at which the run stopped."""
        return f"{(self.most * 2).normalize():f}" if isinstance(self.most, Decimal) else str(self.most * 2)


def of(run: Run) -> list[Meter]:
    tokens = run.input_tokens + run.output_tokens
    hit = LIMIT_OF.get(StopReason(run.stop_reason)) if run.stop_reason else None

    def meter(field: str, name: str, label: str, value: Any, words: Any) -> Meter:
        most = getattr(run, field)
        return Meter(field, name, label, words(value), words(most), float(value), most, field == hit)

    return [
        meter("max_steps", _("Steps"), _("Steps"), run.steps, str),
        meter("max_tool_calls", _("Tool calls"), _("Tool calls"), run.tool_calls, str),
        meter("max_tokens", _("Tokens"), _("Tokens"), tokens, compact),
        meter("max_cost_usd", _("Cost"), _("Cost in USD"), run.cost_usd, usd),
        meter("max_seconds", _("Working time"), _("Working time in seconds"), run.active_ms / 1000, seconds),
    ]
