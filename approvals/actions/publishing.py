"""Makes an immutable version of a policy's rules and puts it to work."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from agentops.accounts.access import Actor, Right
from agentops.core.errors import InvalidInput

from .. import rules
from ..models import Policy, PolicyVersion


def publish_policy(actor: Actor, policy: Policy) -> PolicyVersion:
    """The version of the rules as they are now; the live one when nothing changed. It decides at once.

    Raises NotAllowed, and InvalidInput with a field such as `rules.2.condition` (counted from 1).
    """
    actor.require(Right.ADMINISTER, policy.team_id)
    with transaction.atomic():
        current = Policy.objects.select_for_update().get(pk=policy.pk)
        content = [rules.as_json(rule) for rule in current.rules.order_by("position", "id")]
        for number, rule in enumerate(content, start=1):
            try:
                rules.check(rule)
            except InvalidInput as error:
                message = f"Rule {number}, “{rule['name']}”: {error}"
                raise InvalidInput(message, f"rules.{number}.{error.field}") from error
        if current.live is not None and current.live.rules == content:
            return current.live
        last = current.versions.aggregate(last=Max("number"))["last"] or 0
        version = current.versions.create(number=last + 1, rules=content, created_by=actor.user)
        current.live = version
        current.save(update_fields=["live"])
        policy.live = version
        return version
