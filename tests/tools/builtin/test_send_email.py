"""A mail goes to one checked address, once, under an id that the call keeps."""

from __future__ import annotations

import asyncio
import smtplib
from typing import Any

import pytest

from agentops.core.tools import InvalidArguments
from agentops.tools.builtin.send_email import send_email
from tests.tools.contexts import context

MAIL = {"to": "ada@example.com", "subject": "Hello", "body": "Dear Ada"}


class Outbox:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, **mail: str) -> None:
        self.sent.append(mail)

    async def send_later(self, **mail: str) -> None:
        await asyncio.sleep(0)
        self.sent.append(mail)


@pytest.mark.parametrize("way", ["send", "send_later"])
async def test_it_hands_the_mail_over_with_the_calls_own_id(way: str) -> None:
    outbox = Outbox()
    result = await send_email.run(MAIL, context(call_id="c1", send_email=getattr(outbox, way)))
    assert result.ok
    assert outbox.sent == [{**MAIL, "message_id": "<c1@agentops>"}]


@pytest.mark.parametrize(
    "to",
    [
        *(
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@localhost",
            "a@b..com",
            "a..b@example.com",
            ".a@example.com",
        ),
        *(
            "a@example.com,b@example.com",
            "a@example.com b@example.com",
            "Ada <a@example.com>",
            "a@[127.0.0.1]",
        ),
        *("a@example.com\nBcc: b@example.com", "a@example.com\n", "a@-example.com", "ä@example.com"),
        "a" * 250 + "@example.com",
    ],
)
def test_anything_but_one_plain_address_is_refused(to: str) -> None:
    with pytest.raises(InvalidArguments, match="to: "):
        send_email.validate({**MAIL, "to": to})


def test_what_an_address_is_is_told_in_words() -> None:
    with pytest.raises(InvalidArguments) as refused:
        send_email.validate({**MAIL, "to": "ada"})
    assert '- to: not what is wanted: One address: ada@example.com; given "ada"\n' in str(refused.value)


@pytest.mark.parametrize("subject", ["", "a\nBcc: b@example.com", "a\rb", "a\u2028b", "x" * 201])
def test_the_subject_is_one_line(subject: str) -> None:
    with pytest.raises(InvalidArguments, match="subject: "):
        send_email.validate({**MAIL, "subject": subject})


def test_the_effect_names_recipient_and_subject() -> None:
    line = send_email.effect_line(send_email.validate({**MAIL, "subject": "Hi \u202eoof"}))
    assert line == "Send mail to ada@example.com: “Hi ⟨U+202E⟩oof”"


async def test_without_a_way_to_send_it_says_what_is_missing() -> None:
    result = await send_email.run(MAIL, context())
    assert result.status == "error"
    assert "send_email" in result.error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (smtplib.SMTPServerDisconnected(), "unknown"),
        (TimeoutError(), "unknown"),
        (ConnectionRefusedError(), "error"),
    ],
)
async def test_a_connection_that_broke_leaves_it_open_whether_the_mail_went(error: Exception, status: str) -> None:
    def send(**_: str) -> None:
        raise error

    assert (await send_email.run(MAIL, context(send_email=send))).status == status


async def test_a_mail_in_doubt_is_looked_up_by_the_calls_own_id() -> None:
    sent = {"<c1@agentops>": "12:04"}
    about = context(call_id="c1", find_email=lambda *, message_id: sent.get(message_id))
    found = await send_email.verify(MAIL, about)
    assert found.happened is True and "12:04" in found.said
    other = await send_email.verify(MAIL, context(call_id="c2", find_email=lambda *, message_id: sent.get(message_id)))
    assert other.happened is False
    assert (await send_email.verify(MAIL, context(call_id="c1"))).happened is None
