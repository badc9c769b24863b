"""Bounds what one token may ask for, one webhook take, one address get wrong; counted in Redis.

Each minute by the clock counts for itself. With Redis gone nobody is refused: a limit that nobody can count must
not shut out those who have work to do.
"""

from __future__ import annotations

import math
import time
from functools import cache

import redis
from django.conf import settings
from django.utils.translation import gettext as _

from agentops.accounts.models import ApiToken
from agentops.core.errors import AgentOpsError
from agentops.live import connections
from agentops.live.outage import Outage

WINDOW = 60
"""Seconds."""
REST = 1.0
"""Seconds without another try after a failure, so that a hung Redis does not slow every request."""

_client = cache(connections.for_threads)
_outage = Outage("counting requests")
_rest_until = 0.0


class Throttled(AgentOpsError):
    """Too much in too short a time; `retry_after` seconds from now there is room again."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(f"{message} Try again in {retry_after} s.")
        self.retry_after = retry_after


def count_request(token: ApiToken) -> None:
    """Raises Throttled."""
    most = settings.AGENTOPS_API_REQUESTS_A_MINUTE
    _count(f"token:{token.pk}", most, _("A token may send %(most)s requests a minute.") % {"most": f"{most:,}"})


def count_refusal(address: str) -> None:
    """Raises Throttled. A good token is still heard from the same address: nobody can guess one, and behind a proxy
    one broken program would shut out all others."""
    most = settings.AGENTOPS_API_REFUSALS_A_MINUTE
    _count(
        f"address:{address}",
        most,
        _("More than %(most)s bad tokens came from your address in this minute.") % {"most": f"{most:,}"},
    )


def count_delivery(webhook: str) -> None:
    """Of those with a good signature: others must not use up what the sender may. Raises Throttled."""
    most = settings.AGENTOPS_DELIVERIES_A_MINUTE
    _count(f"webhook:{webhook}", most, _("A webhook takes %(most)s deliveries a minute.") % {"most": f"{most:,}"})


def count_unsigned(address: str) -> None:
    """Raises Throttled. A good signature is still heard from the same address."""
    most = settings.AGENTOPS_API_REFUSALS_A_MINUTE
    _count(
        f"unsigned:{address}",
        most,
        _("More than %(most)s wrong signatures came from your address in this minute.") % {"most": f"{most:,}"},
    )


def _count(what: str, most: int, message: str) -> None:
    now = time.time()
    if _add_one(f"throttle:{what}:{int(now // WINDOW)}") > most:
        raise Throttled(message, math.ceil(WINDOW - now % WINDOW))


def _add_one(key: str) -> int:
    global _rest_until
    if time.monotonic() < _rest_until:
        return 0
    try:
        pipe = _client().pipeline(transaction=False)
        pipe.incr(key)
        pipe.expire(key, WINDOW)
        count: int = pipe.execute()[0]
    except (redis.RedisError, OSError) as error:
        _rest_until = time.monotonic() + REST
        _outage.failed(error)
        return 0
    _outage.over()
    return count
