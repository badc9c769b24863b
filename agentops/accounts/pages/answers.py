"""What an action refuses, as a page says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from agentops.accounts.models import AccessChange, ApiToken, SignIn, Team
from agentops.core.errors import Conflict, InvalidInput, NotAllowed

Made = TypeVar("Made")
GONE = (User.DoesNotExist, Team.DoesNotExist, ApiToken.DoesNotExist, SignIn.DoesNotExist, AccessChange.DoesNotExist)


def tried(request: HttpRequest, act: Callable[[], Made], done: str = "") -> Made | None:
    """None when it was refused; a message says which. Raises Http404 for what the person does not see."""
    try:
        made = act()
    except GONE as error:
        raise Http404 from error
    except (NotAllowed, Conflict, InvalidInput) as error:
        messages.error(request, str(error))
        return None
    if done:
        messages.success(request, done)
    return made


def not_for_you(request: HttpRequest, title: str, who: str) -> HttpResponse:
    """Says who can, and who they are in the person's own teams."""
    admins = (
        User.objects.filter(
            is_active=True, memberships__role="admin", memberships__team__memberships__user_id=request.user.pk
        )
        .distinct()
        .order_by("username")[:10]
    )
    return render(request, "accounts/not_for_you.html", {"title": title, "who": who, "admins": admins}, status=403)
