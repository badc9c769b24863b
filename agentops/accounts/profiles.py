"""What a person says of themselves: name, address, time zone."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from agentops.core.errors import InvalidInput

from .models import Profile

NAME_LENGTH = 150


@cache
def time_zones() -> list[str]:
    """Places, as people look for them; the data base's abbreviations and internals are left out."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))


def time_zone_of(user: Any) -> str:
    """ "" when they chose none: the browser's own."""
    profile = getattr(user, "profile", None)
    return profile.time_zone if profile else ""


def save(user: Any, *, name: str, email: str, time_zone: str | None = None) -> None:
    """Raises InvalidInput. A time zone of None stays as it is."""
    user.first_name, user.last_name = checked_name(name), ""
    user.email = checked_email(email)
    if time_zone and time_zone not in time_zones():
        raise InvalidInput(_("Choose a time zone from the list."), "time_zone")
    with transaction.atomic():
        user.save(update_fields=["first_name", "last_name", "email"])
        if time_zone is not None:
            Profile.objects.update_or_create(user=user, defaults={"time_zone": time_zone})


def checked_name(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())
    if len(name) > NAME_LENGTH:
        raise InvalidInput(_("A name has %(n)s characters at most.") % {"n": NAME_LENGTH}, "name")
    return name


def checked_email(email: str) -> str:
    email = email.strip()
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            raise InvalidInput(_("This is no e-mail address. Leave it empty, or correct it."), "email") from error
    return email
