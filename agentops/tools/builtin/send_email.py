"""Sends a mail to one person, by whatever the deployment sends mail with."""

from __future__ import annotations

import asyncio
import inspect
import smtplib
from typing import Annotated, Any

from pydantic import Field

from agentops.core.tools import Tier, ToolContext, ToolResult, Verification
from agentops.tools.errors import ToolError
from agentops.tools.registry import tool

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
ADDRESS = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]$"
"""One plain ASCII address: no display name, no list, nothing that could end a header line."""

ONE_LINE = r"^[^\x00-\x1f\x7f\x85\u2028\u2029]*$"


async def went_out(arguments: dict[str, Any], context: ToolContext) -> Verification:
    """Whether a mail with this call's id is among those that were sent."""
    find = context.settings.get("find_email")
    if find is None:
        return Verification(f"Sent mail cannot be searched here. Ask {arguments['to']}, or look into the mail server.")
    identity = message_id(context)
    sent_at = await asyncio.to_thread(find, message_id=identity)
    if sent_at is None:
        return Verification(f"No mail {identity} was sent so far.", happened=False)
    return Verification(f"The mail {identity} to {arguments['to']} was sent at {sent_at}.", happened=True)


@tool(tier=Tier.MEDIUM, effect="Send mail to {to}: “{subject}”", timeout=30, verify=went_out)
async def send_email(
    context: ToolContext,
    to: Annotated[str, Field(pattern=ADDRESS, max_length=254, description="One address: ada@example.com")],
    subject: Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE, description="One line.")],
    body: Annotated[str, Field(min_length=1, max_length=50_000, description="Plain text.")],
) -> ToolResult:
    """Send a plain-text mail to one person."""
    send = context.settings.get("send_email")
    if send is None:
        raise ToolError("Mail cannot be sent: the setting `send_email` is empty.", "Tell a person; do not try again.")
    identity = message_id(context)
    try:
        # The call may block (a plain function) or make something to await (an async one).
        sent = await asyncio.to_thread(send, to=to, subject=subject, body=body, message_id=identity)
        if inspect.isawaitable(sent):
            await sent
    except (TimeoutError, ConnectionResetError, BrokenPipeError, smtplib.SMTPServerDisconnected):
        return ToolResult(
            "unknown",
            error=f"The connection broke while the mail to {to} was being sent: it may have gone out.",
            hint="Do not send it again before a person has checked.",
        )
    return ToolResult("ok", data={"to": to, "message_id": identity}, summary=f"Mail sent to {to}")


def message_id(context: ToolContext) -> str:
    """The same for every attempt at this call, so that a second copy can be recognised."""
    return f"<{context.call_id}@agentops>"
