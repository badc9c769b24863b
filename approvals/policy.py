"""The verdict on a proposed call: which tier, why, and what if nobody decides. First match wins."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from django.db import connection

from agentops.core.tools import Tier
from agentops.tools.escape import shorten, visible

from . import rules
from .conditions import ConditionFailed, Facts
from .models import PolicyVersion, Rule
from .rules import StoredRule

MEDIUM_SECONDS = 300
"""How long a medium request counts down when nobody said otherwise."""


@dataclass(frozen=True, slots=True)
class Verdict:
    tier: Tier
    rule: str
    """The rule that matched; "" when the tool's own tier counts."""
    reason: str
    rule_error: str
    policy_version_id: int | None
    timer_seconds: int | None
    on_deadline: str
    """`approve` (medium), `expire`, or "": it waits."""


QUESTION = Verdict(Tier.LOW, "", "The agent asks a person.", "", None, None, "")
"""Of a call that is no action: it waits for an answer."""


@dataclass(frozen=True, slots=True)
class Setting:
    """An admin's tier for a tool."""

    tier: Tier
    timer_seconds: int | None
    everywhere: bool


@dataclass(frozen=True, slots=True)
class Version:
    id: int
    number: int
    rules: tuple[StoredRule, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A team's policy at one moment: take it once for all calls of a step."""

    version: Version | None
    settings: dict[str, Setting]

    def verdict(
        self,
        *,
        tool: str,
        own_tier: Tier,
        agent: str,
        arguments: dict[str, Any],
        tainted_by: str,
        facts: dict[str, Any],
    ) -> Verdict:
        """`tainted_by` names untrusted content that the run has read, "" for none.

        `facts`: the tool's `reads_only` (missing: false), the run's `cost_usd`, `steps` and `tool_calls`.
        """
        seen = Facts(args=arguments, agent=agent, tool=tool, tainted=bool(tainted_by), run=_run(facts))
        for rule in self.version.rules if self.version else ():
            if not rule.applies(tool=tool, agent=agent, tainted=seen.tainted):
                continue
            try:
                if rule.holds(seen):
                    return self._judge(tool, own_tier, rule, "", tainted_by, facts)
            except ConditionFailed as error:
                return self._judge(tool, own_tier, rule, str(error), tainted_by, facts)
        return self._judge(tool, own_tier, None, "", tainted_by, facts)

    def _judge(
        self,
        tool: str,
        own: Tier,
        rule: StoredRule | None,
        error: str,
        tainted_by: str,
        facts: dict[str, Any],
    ) -> Verdict:
        setting = self.settings.get(tool)
        if rule is not None and self.version is not None:
            base = _highest(rule.tier, Tier.HIGH) if error else rule.tier
            reason = f"Rule “{rule.name}” (policy version {self.version.number})"
            if error:
                reason += f" could not be evaluated, so a person decides: {error}"
        elif setting is not None:
            base = setting.tier
            where = " for every team" if setting.everywhere else ""
            reason = f"{tool} was set to {base} by an admin{where}"
        else:
            base = own
            reason = f"{tool} is {base} by its own setting"
        tier = base
        if tainted_by and not facts.get("reads_only") and not (rule and rule.taint == Rule.Taint.TAINTED):
            tier = base.one_up()
        if tier is not base:
            source = shorten(visible(tainted_by), 200)
            reason += f"; one tier up because the run read untrusted content ({source})"
        seconds, on_deadline = _deadline(tier, rule, setting)
        return Verdict(
            tier=tier,
            rule=rule.name if rule else "",
            reason=reason,
            rule_error=error,
            policy_version_id=self.version.id if self.version else None,
            timer_seconds=seconds,
            on_deadline=on_deadline,
        )


SNAPSHOT = """SELECT (SELECT live_id FROM approvals_policy WHERE team_id = $1),
    (SELECT jsonb_agg(jsonb_build_array(tool, tier, timer_seconds, team_id IS NULL) ORDER BY team_id NULLS FIRST)
     FROM approvals_tooltier WHERE team_id = $1 OR team_id IS NULL)::text
"""


def snapshot(team_id: int) -> Snapshot:
    """One query a step, by hand because every step makes it, plus one the first time this process meets a version.

    What an admin saves counts from the next step on.
    """
    connection.ensure_connection()
    # Prepared, past the ORM: it is planned once.
    with connection.wrap_database_errors, psycopg.RawCursor(connection.connection) as cursor:
        live_id, rows = cursor.execute(SNAPSHOT, [team_id], prepare=True).fetchone() or (None, None)
    settings = {tool: Setting(Tier(tier), seconds, shared) for tool, tier, seconds, shared in json.loads(rows or "[]")}
    return Snapshot(_version(live_id) if live_id else None, settings)


@lru_cache(maxsize=256)
def _version(version_id: int) -> Version:
    """Versions never change, so neither does what was compiled from them."""
    row = PolicyVersion.objects.get(pk=version_id)
    return Version(row.pk, row.number, tuple(rules.from_json(rule) for rule in row.rules))


def _deadline(tier: Tier, rule: StoredRule | None, setting: Setting | None) -> tuple[int | None, str]:
    if tier is Tier.MEDIUM:
        own = rule.timer_seconds if rule else None
        return own or (setting.timer_seconds if setting else None) or MEDIUM_SECONDS, "approve"
    if tier is Tier.HIGH and rule is not None and rule.on_deadline:
        return rule.timer_seconds, rule.on_deadline
    return None, ""


def _run(facts: dict[str, Any]) -> dict[str, float | int]:
    """A fact that is missing stays missing: the condition that asks for it then fails closed."""
    kinds: dict[str, type[float] | type[int]] = {"cost_usd": float, "steps": int, "tool_calls": int}
    return {name: kind(facts[name]) for name, kind in kinds.items() if name in facts}


def _highest(*tiers: Tier) -> Tier:
    return max(tiers, key=lambda tier: tier.rank)
