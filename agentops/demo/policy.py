"""The demo's rules: what each of its agents may do by itself, and what it asks for."""

from __future__ import annotations

from typing import Any

from approvals import rules
from approvals.actions import publish_policy, save_draft
from approvals.actions.publishing import draft_of
from approvals.models import Policy, Rule

from .agents import DATABASE_ANALYST, OPERATIONS_LEAD, SUPPORT_DESK

NOTE = "Rules for the demo's agents"


def sample_rules(origin: str) -> dict[str, list[Rule]]:
    """By agent. `origin`: where the demo's pages are, "" for the public web."""
    elsewhere = f'!args.url.startsWith("{origin}/")' if origin else 'args.url.contains("?")'
    return {
        SUPPORT_DESK.name: [
            Rule(
                name="Replies to our own customers can go out unless somebody objects",
                tool="send_email",
                agent=SUPPORT_DESK.name,
                taint=Rule.Taint.TAINTED,
                condition='args.to.endsWith("@example.com")',
                tier="medium",
                timer_seconds=90,
            ),
            Rule(
                name="Refunds above 500 USD are for a person to make",
                tool="refund_order",
                condition="double(args.amount) > 500.0",
                tier="critical",
            ),
            Rule(name="Notes in the run's own folder", tool="write_file", taint=Rule.Taint.TAINTED, tier="low"),
            Rule(name="Notes put back as they were", tool="restore_file", taint=Rule.Taint.TAINTED, tier="low"),
        ],
        "researcher": [
            Rule(
                name="After reading from outside, an address elsewhere could carry data away",
                tool="http_fetch",
                agent="researcher",
                taint=Rule.Taint.TAINTED,
                condition=elsewhere,
                tier="medium",
                timer_seconds=120,
            ),
        ],
        DATABASE_ANALYST.name: [
            Rule(
                name="Lists of customers with their mail addresses are for a person to allow",
                tool="sql_query",
                agent=DATABASE_ANALYST.name,
                condition='args.query.matches("(?i)\\\\bemail\\\\b")',
                tier="medium",
                timer_seconds=300,
            ),
        ],
        # It has no way to the outside of its own; what it hands over goes by the other agents' rules.
        OPERATIONS_LEAD.name: [],
    }


def add_rules(actor: Any, policy: Policy, agents: list[str], origin: str) -> bool | None:
    """The rules of these agents behind those that are there. False: none is missing. None: a draft is under way."""
    draft = draft_of(policy)
    names = {rule["name"] for rule in draft}
    samples = sample_rules(origin)
    missing = [rules.as_json(rule) for agent in agents for rule in samples[agent] if rule.name not in names]
    if not missing:
        return False
    if draft != (policy.live.rules if policy.live else []):
        return None
    save_draft(actor, policy, [*draft, *missing])
    publish_policy(actor, policy, note=NOTE)
    return True
