"""A run's limits as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from agentops.templatetags.console import compact, seconds, usd
from runs.models import Run


@dataclass(frozen=True, slots=True)
class Meter:
    name: str
    used: str
    limit: str
    value: float
    most: float

    @property
    def level(self) -> str:
        share = self.value / self.most if self.most else 0.0
        return "full" if share >= 1 else "near" if share >= 0.8 else ""


def of(run: Run) -> list[Meter]:
    tokens = run.input_tokens + run.output_tokens
    return [
        _meter(_("Steps"), run.steps, run.max_steps, str),
        _meter(_("Tool calls"), run.tool_calls, run.max_tool_calls, str),
        _meter(_("Tokens"), tokens, run.max_tokens, compact),
        _meter(_("Cost"), run.cost_usd, run.max_cost_usd, usd),
        _meter(_("Working time"), run.active_ms / 1000, run.max_seconds, seconds),
    ]


def _meter(name: str, value: Any, most: Any, words: Any) -> Meter:
    return Meter(name, words(value), words(most), float(value), float(most))
