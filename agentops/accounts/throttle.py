"""Slows down guessing of passwords: a few failures for one name from one address, then a pause.

Kept in the database, so that signing in works, and stays guarded, with Redis gone.
"""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from .address import client_address
from .models import SignInFailure

FAILURES = 5
WINDOW = timedelta(minutes=5)


def begin(request: HttpRequest | None, username: str) -> SignInFailure | None:
    """Counts this attempt as a failure until `forgive` says otherwise; None when there were too many.

    Counted before the password is looked at: attempts sent all at once see each other.
    """
    since = timezone.now() - WINDOW
    SignInFailure.objects.filter(at__lt=since).delete()
    address = client_address(request) if request else ""
    attempt = SignInFailure.objects.create(username=username.casefold()[:150], address=address)
    recent = SignInFailure.objects.filter(username=attempt.username, address=attempt.address, at__gte=since)
    if recent.count() <= FAILURES:
        return attempt
    # A refused attempt does not lengthen the pause.
    attempt.delete()
    return None


def forgive(attempt: SignInFailure) -> None:
    """The password was right: forget this name's failures from this address."""
    SignInFailure.objects.filter(username=attempt.username, address=attempt.address).delete()
