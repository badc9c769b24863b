"""Saved views: a person's own, which may be shared with a team; the owner, or an admin of that team, changes one."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from agentops.accounts.access import Actor, Right
from agentops.core.errors import InvalidInput

from ..models import SavedView
from ..texts import check_text

MOST = 30
"""Views of one person: they are tabs."""


def save_view(actor: Actor, *, name: str, query: str, team_id: int | None = None) -> SavedView:
    """Keep these filters under a name. A view of the same name is replaced. Raises InvalidInput, NotAllowed."""
    fields = _checked(actor, name, team_id)
    if len(query) > 1000:
        raise InvalidInput(_("These filters are too long to keep."), "query")
    own = SavedView.objects.filter(owner=actor.user)
    if own.count() >= MOST and not own.filter(name=fields["name"]).exists():
        raise InvalidInput(_("You have %(most)s views; delete one first.") % {"most": MOST}, "name")
    return SavedView.objects.update_or_create(
        owner=actor.user, name=fields["name"], defaults={**fields, "query": query}
    )[0]


def change_view(actor: Actor, view_id: int, *, name: str, team_id: int | None = None) -> SavedView:
    """Rename it, share it, or keep it to oneself. Raises SavedView.DoesNotExist, InvalidInput, NotAllowed."""
    view = _own(actor, view_id)
    fields = _checked(actor, name, team_id)
    try:
        with transaction.atomic():
            SavedView.objects.filter(pk=view.pk).update(**fields)
    except IntegrityError as error:
        raise InvalidInput(_("There is a view of this name already."), "name") from error
    view.refresh_from_db()
    return view


def delete_view(actor: Actor, view_id: int) -> None:
    """Raises SavedView.DoesNotExist, NotAllowed."""
    _own(actor, view_id).delete()


def _own(actor: Actor, view_id: int) -> SavedView:
    view = SavedView.objects.visible_to(actor).get(pk=view_id)
    if view.owner_id != getattr(actor.user, "pk", None):
        actor.require(Right.ADMINISTER, view.team_id or 0)
    return view


def _checked(actor: Actor, name: str, team_id: int | None) -> dict[str, Any]:
    name = check_text(name, "name", 60).strip()
    if not name:
        raise InvalidInput(_("Give the view a name."), "name")
    if team_id is not None:
        actor.require(Right.VIEW, team_id)
    return {"name": name, "team_id": team_id}
