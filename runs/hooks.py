"""Webhooks: their secret, the signature over what is sent, and where in it the inputs stand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from agentops.core.errors import AgentOpsError, InvalidInput

from .inputs import MOST, Declared, check_given
from .models import Trigger

HEADER = "X-AgentOps-Signature"
DELIVERY_HEADERS = ("X-AgentOps-Delivery", "X-GitHub-Delivery", "Idempotency-Key")
TOLERANCE = 300
"""Seconds that the sender's clock may be off, either way."""
MOST_BYTES = 256 * 1024
LONGEST_DELIVERY = 150
LONGEST_POINTER = 300

_SIGNED = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_STRAY_TILDE = re.compile(r"~(?![01])")
_MISSING = object()


class Unsigned(AgentOpsError):
    """The signature is missing, wrong or out of time."""


def secret_of(trigger: Trigger) -> str:
    """Made anew from the installation's key each time: stored nowhere, another one with each `secret_number`."""
    message = f"agentops webhook {trigger.pk} {trigger.secret_number}".encode()
    made = hmac.digest(settings.SECRET_KEY.encode(), message, "sha256")
    return "hook_" + base64.urlsafe_b64encode(made).decode().rstrip("=")


def path_of(trigger: Trigger) -> str:
    return reverse("hook", args=[trigger.pk])


def sign(secret: str, at: int, body: bytes) -> str:
    """The header's value for a body sent at `at`, in seconds since 1970."""
    return f"t={at},v1={_digest(secret, at, body)}"


def check_signature(header: str, body: bytes, secret: str, now: float) -> int:
    """When it was signed. Raises Unsigned."""
    found = _SIGNED.fullmatch(header.strip())
    if found is None:
        raise Unsigned(
            _("Sign what you send: %(header)s: t=<seconds since 1970>,v1=<hex HMAC-SHA256 of “t.body”>.")
            % {"header": HEADER}
        )
    at = int(found[1])
    if not hmac.compare_digest(_digest(secret, at, body), found[2]):
        raise Unsigned(_("The signature does not fit the body and this webhook’s secret. Was the secret replaced?"))
    if abs(now - at) > TOLERANCE:
        raise Unsigned(
            _("It was signed more than %(minutes)s minutes from now. Sign at sending, and check your clock.")
            % {"minutes": TOLERANCE // 60}
        )
    return at


def content_key(at: int, body: bytes) -> str:
    """The same for what is sent twice under one signature."""
    return hashlib.sha256(b"%d.%b" % (at, body)).hexdigest()


def check_mapping(declared: list[Declared], mapping: Any) -> dict[str, str]:
    """Raises InvalidInput with a field such as `mapping.order_number`."""
    if not isinstance(mapping, Mapping) or len(mapping) > MOST:
        raise InvalidInput(
            _("The mapping gives inputs their places in the body, %(most)s at most.") % {"most": MOST}, "mapping"
        )
    names = [one["name"] for one in declared]
    for name, pointer in mapping.items():
        field = f"mapping.{str(name)[:60]}"
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 60:
            raise InvalidInput(_("The name of an input has 1 to 60 printable characters."), field)
        if names and name not in names:
            raise InvalidInput(
                _("The agent asks for no input “%(name)s”, but for %(names)s.")
                % {"name": name, "names": ", ".join(names)},
                field,
            )
        check_pointer(pointer, field)
    return dict(mapping)


def check_pointer(pointer: Any, field: str) -> None:
    """RFC 6901. Raises InvalidInput(field)."""
    if not isinstance(pointer, str) or len(pointer) > LONGEST_POINTER or not pointer.isprintable():
        raise InvalidInput(_("A place in the body is a text such as /order/id."), field)
    if (pointer and not pointer.startswith("/")) or _STRAY_TILDE.search(pointer):
        raise InvalidInput(
            _("A place begins with / and names the way: /order/id, /items/0/name. In a name, / is ~1 and ~ is ~0."),
            field,
        )


def check_inputs(declared: list[Declared], inputs: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """What is the same each time; what is needed may also come from the body. Raises InvalidInput."""
    optional = [{**one, "required": one["required"] and one["name"] not in mapping} for one in declared]
    checked = check_given(optional, inputs)
    return {name: value for name, value in checked.items() if name in inputs}


def inputs_from(
    body: dict[str, Any], declared: list[Declared], mapping: Mapping[str, str], fixed: Mapping[str, Any]
) -> dict[str, Any]:
    """All inputs of one delivery, checked. Raises InvalidInput with the field and the place where it was looked for."""
    kinds = {one["name"]: one["kind"] for one in declared}
    found = {name: at(body, pointer) for name, pointer in mapping.items()}
    given = {name: _fitted(value, kinds.get(name, "any")) for name, value in found.items() if value is not _MISSING}
    try:
        return check_given(declared, {**fixed, **given})
    except InvalidInput as error:
        name = error.field.removeprefix("inputs.")
        if name not in mapping:
            raise
        place = mapping[name] or _("the whole body")
        raise InvalidInput(
            _("%(problem)s It is taken from %(place)s.") % {"problem": error, "place": place}
            if name in given
            else _("The body has nothing at %(place)s, and the agent needs it.") % {"place": place},
            error.field,
        ) from error


def at(body: Any, pointer: str) -> Any:
    """The value at a pointer that was checked; `_MISSING` when there is none."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(body, dict) and part in body:
            body = body[part]
        elif isinstance(body, list) and _INDEX.fullmatch(part) and int(part) < len(body):
            body = body[int(part)]
        else:
            return _MISSING
    return body


def _fitted(value: Any, kind: str) -> Any:
    """A text may be given as a number, and a long one as any JSON."""
    if kind in ("text", "long", "choice") and isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    if kind in ("long", "any") and isinstance(value, dict | list):
        return json.dumps(value, indent=2, ensure_ascii=False)
    return value


def _digest(secret: str, at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
