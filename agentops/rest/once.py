"""Creates once per `Idempotency-Key`: a repeat of the same request gets what the first one made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import BaseModel

from agentops.accounts.models import IdempotencyKey
from agentops.core.errors import Conflict
from agentops.core.tools import digest

from .auth import Request

M = TypeVar("M", bound=Model)

REMEMBERED = timedelta(days=7)


def once(request: Request, key: str, body: BaseModel, make: Callable[[], M], rows: QuerySet[M]) -> tuple[M, bool]:
    """What `make` returned, and whether it was made just now. `rows` are where a repeat looks for it.

    Keys belong to a person, whatever token is used, and to one address and body. Raises Conflict for another request
    under the same key, and when what it made is gone. Two at once: the second waits for the first one's commit.
    """
    if not key:
        return make(), True
    request_hash = digest([request.method, request.path, body.model_dump(mode="json")])
    with transaction.atomic():
        _forget_old()
        row, new = IdempotencyKey.objects.get_or_create(
            principal=f"user:{request.actor.user.pk}",  # type: ignore[attr-defined]
            key=key,
            defaults={"request_hash": request_hash},
        )
        if new:
            made = make()
            IdempotencyKey.objects.filter(pk=row.pk).update(made=str(made.pk))
            return made, True
    if row.request_hash != request_hash:
        raise Conflict(_("This idempotency key was used for another request. Use a new key for a new one."))
    found = rows.filter(pk=row.made).first()
    if found is None:
        raise Conflict(_("What this idempotency key made is gone. Use a new key to make another."))
    return found, False


def _forget_old() -> None:
    IdempotencyKey.objects.filter(at__lt=timezone.now() - REMEMBERED).delete()
