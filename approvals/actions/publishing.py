"""Edits a policy's draft, makes immutable versions of it, and puts them to work."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.accounts.models import Team
from agentops.core.errors import InvalidInput

from .. import changes, rules
from ..errors import DraftChanged
from ..models import Policy, PolicyVersion, Rule

MAX_RULES = 100


def open_policy(actor: Actor, team: Team) -> Policy:
    """The team's policy; an empty one when it has none."""
    actor.require(Right.ADMINISTER, team.pk)
    policy, _created = Policy.objects.get_or_create(team=team)
    return policy


def save_draft(actor: Actor, policy: Policy, content: list[dict[str, Any]], revision: int | None = None) -> Policy:
    """Make these the draft's rules, in this order. Nothing is decided by them before they are published.

    `revision` is the draft's when the person opened it; None asks for no check. Raises NotAllowed, DraftChanged, and
    InvalidInput with a field such as `rules.2.condition` (counted from 1).
    """
    actor.require(Right.ADMINISTER, policy.team_id)
    with transaction.atomic():
        current = _lock(policy, revision)
        _write_draft(actor, current, _checked(content))
    policy.revision = current.revision
    return current


def publish_policy(actor: Actor, policy: Policy, revision: int | None = None, note: str = "") -> PolicyVersion:
    """The version of the draft as it is now; the live one when nothing changed. It decides at once.

    Raises as `save_draft` does.
    """
    actor.require(Right.ADMINISTER, policy.team_id)
    with transaction.atomic():
        current = _lock(policy, revision)
        version = _put_live(actor, current, _checked(draft_of(current)), note)
    policy.live = version
    return version


def roll_back_policy(actor: Actor, policy: Policy, number: int) -> PolicyVersion:
    """Make a new version with the rules of version `number`, live at once. A draft with unpublished changes stays.

    Raises PolicyVersion.DoesNotExist, and InvalidInput when such rules may not be written any more.
    """
    actor.require(Right.ADMINISTER, policy.team_id)
    with transaction.atomic():
        current = _lock(policy, None)
        content = _checked(current.versions.get(number=number).rules)
        published = current.live is not None and draft_of(current) == current.live.rules
        version = _put_live(actor, current, content, f"Back to version {number}")
        if published:
            _write_draft(actor, current, content)
    policy.live, policy.revision = version, current.revision
    return version


def draft_of(policy: Policy) -> list[dict[str, Any]]:
    return [rules.as_json(rule) for rule in policy.rules.order_by("position", "id")]


def _lock(policy: Policy, revision: int | None) -> Policy:
    current = Policy.objects.select_for_update(of=("self",)).select_related("live").get(pk=policy.pk)
    if revision is not None and revision != current.revision:
        raise DraftChanged(
            _changed_meanwhile(current, revision),
            changed_by=current.changed_by_name,
            changed_at=current.changed_at,
            change=current.last_change,
        )
    return current


def _changed_meanwhile(policy: Policy, revision: int) -> str:
    more = policy.revision - revision - 1
    said = {"who": policy.changed_by_name or _("Somebody"), "change": policy.last_change, "more": more}
    if not policy.last_change:
        words = _("%(who)s changed the rules while you were editing. Nothing of yours was saved yet.")
    elif more <= 0:
        words = _("%(who)s changed the rules while you were editing (%(change)s). Nothing of yours was saved yet.")
    else:
        words = _(
            "%(who)s changed the rules while you were editing (%(change)s, and %(more)s more before). "
            "Nothing of yours was saved yet."
        )
    return words % said


def _write_draft(actor: Actor, policy: Policy, content: list[dict[str, Any]]) -> None:
    before = draft_of(policy)
    if content == before:
        return
    policy.rules.all().delete()
    Rule.objects.bulk_create(Rule(policy=policy, position=place, **rule) for place, rule in enumerate(content, start=1))
    policy.revision += 1
    policy.changed_by_name = str(actor)[:150]
    policy.last_change = "; ".join(map(str, changes.between(before, content)[:5]))
    policy.changed_at = Now()
    policy.save(update_fields=["revision", "changed_by_name", "last_change", "changed_at"])


def _put_live(actor: Actor, policy: Policy, content: list[dict[str, Any]], note: str) -> PolicyVersion:
    if len(note) > 200 or (note and not note.isprintable()):
        raise InvalidInput(_("A note is one line of at most 200 characters."), "note")
    if policy.live is not None and policy.live.rules == content:
        return policy.live
    last = policy.versions.aggregate(last=Max("number"))["last"] or 0
    policy.live = policy.versions.create(
        number=last + 1, rules=content, note=note, created_by=actor.user, created_by_name=str(actor)[:150]
    )
    policy.save(update_fields=["live"])
    return policy.live


def _checked(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(content) > MAX_RULES:
        raise InvalidInput(
            _("A policy has at most %(most)s rules. Join some with patterns.") % {"most": MAX_RULES}, "rules"
        )
    for number, rule in enumerate(content, start=1):
        try:
            rules.check_shape(rule)
            rules.check(rule)
        except InvalidInput as error:
            message = f"Rule {number}, “{str(rule.get('name'))[:120]}”: {error}"
            raise InvalidInput(message, f"rules.{number}.{error.field}") from error
    return content
