"""Live version and candidate side by side, over the runs started since the candidate was published."""

from __future__ import annotations

from dataclasses import dataclass

from runs.models import Agent, AgentVersion

from .agent_figures import Figures, by_version

ENOUGH = 20
"""Ended runs of each from which a difference may mean something; below, the page says so."""


@dataclass(frozen=True, slots=True)
class Side:
    version: AgentVersion
    percent: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Comparison:
    live: Side
    candidate: Side

    @property
    def few(self) -> bool:
        return min(self.live.figures.ended, self.candidate.figures.ended) < ENOUGH


def comparison(agent: Agent) -> Comparison | None:
    if agent.live is None or agent.candidate is None:
        return None
    figures = by_version(agent, agent.candidate.created_at)
    return Comparison(
        Side(agent.live, 100 - agent.candidate_percent, figures.get(agent.live.pk, Figures())),
        Side(agent.candidate, agent.candidate_percent, figures.get(agent.candidate.pk, Figures())),
    )
