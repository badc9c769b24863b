"""Reads a mail file as text: its headers, what it says, what it hides, what is attached."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

import structlog

from .escape import shorten
from .html import read_html

_HEADERS = ("From", "Reply-To", "To", "Cc", "Date", "Subject", "Message-ID")
_MAX_HIDDEN = 20
_MAX_PARTS = 200
_log = structlog.get_logger(__name__)


def read_mail(raw: bytes) -> str:
    """A mail too broken for the parser comes back as its raw text."""
    try:
        # Each part is searched for the boundaries of all parts around it: thousands would hold the thread.
        if raw.lower().count(b"boundary=") <= _MAX_PARTS:
            return _read(message_from_bytes(raw, policy=policy.default))
    except Exception:  # the email package raises nearly anything on malformed headers
        _log.info("mail_unreadable", exc_info=True)
    return "(This mail is malformed; its source follows.)\n\n" + raw.decode("utf-8", "replace")


def _read(mail: EmailMessage) -> str:
    lines = [f"{name}: {' '.join(str(mail[name]).split())}" for name in _HEADERS if mail[name] is not None]
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    text, hidden = read_html(_text(html)) if html is not None else ("", [])
    lines += ["", _text(plain).strip() if plain is not None else text]
    if hidden:
        lines += ["", "[The HTML of this mail hides the following from whoever reads it:]"]
        lines += [f"- {shorten(piece, 500)}" for piece in hidden[:_MAX_HIDDEN]]
    attached = [f"{part.get_filename() or 'unnamed'} ({part.get_content_type()})" for part in mail.iter_attachments()]
    if attached:
        lines += ["", f"[Attached, not shown: {', '.join(attached)}]"]
    return "\n".join(lines)


def _text(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")
