"""Says that somebody's sign-ins or roles changed: open sockets then look again at once."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.dispatch import Signal

access_changed = Signal()
"""Sent after the commit with `users`, a frozenset of their ids."""


def announce(users: Iterable[int]) -> None:
    chosen = frozenset(users)
    transaction.on_commit(lambda: access_changed.send(sender=None, users=chosen))
