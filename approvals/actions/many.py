"""One decision for several requests, each by the same door and in a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from agentops.accounts.access import Actor
from agentops.core.errors import Conflict, InvalidInput, NotAllowed
from agentops.core.tools import Tier

from ..models import ApprovalRequest
from .deciding import decide
from .settling import Verb

TOGETHER = (Verb.APPROVE, Verb.REJECT, Verb.HOLD)
MOST = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    request_id: str
    ok: bool
    said: str
    """Why it was not decided; "" when it was."""
    request: ApprovalRequest | None


def decide_many(
    actor: Actor, items: Iterable[tuple[UUID | str, int]], *, decision: str, reason: str = "", via: str
) -> list[Outcome]:
    """`items` are (request, revision). What cannot be decided so does not stop the others: each has its outcome.

    Critical actions and questions are refused: each wants its own look. Raises InvalidInput for the whole.
    """
    chosen = list(items)
    if decision not in TOGETHER:
        raise InvalidInput(
            _("Several requests can be decided by %(decisions)s.") % {"decisions": ", ".join(TOGETHER)}, "decision"
        )
    if not 1 <= len(chosen) <= MOST:
        raise InvalidInput(_("Choose 1 to %(most)s requests.") % {"most": MOST}, "items")
    return [_one(actor, request_id, revision, decision, reason, via) for request_id, revision in chosen]


def _one(actor: Actor, request_id: UUID | str, revision: int, decision: str, reason: str, via: str) -> Outcome:
    try:
        found = ApprovalRequest.objects.visible_to(actor).get(pk=request_id)
        if found.tier == Tier.CRITICAL or found.wants == ApprovalRequest.Wants.ANSWER:
            raise InvalidInput(_("It wants its own look: it is not decided together with others."), "items")
        decided = decide(actor, request_id, decision=decision, revision=revision, reason=reason, via=via)
    except ApprovalRequest.DoesNotExist:
        return Outcome(str(request_id), False, "There is no such request that you may see.", None)
    except (Conflict, InvalidInput, NotAllowed) as error:
        return Outcome(str(request_id), False, str(error), None)
    return Outcome(str(request_id), True, "", decided)
