"""A mail reads as a person would see it, and what it hides is told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.tools.html import read_html
from agentops.tools.mail import read_mail


def mail(body: str, content_type: str = "text/html; charset=utf-8", headers: str = "") -> bytes:
    return f"From: a@example.com\n{headers}Content-Type: {content_type}\n\n{body}".encode()


@pytest.mark.parametrize(
    "markup",
    [
        '<p style="display: none">SECRET</p>',
        '<div style="color:#FFFFFF">SECRET</div>',
        '<font color="white">SECRET</font>',
        '<span style="font-size:0">SECRET</span>',
        '<span style="font-size: 1px">SECRET</span>',
        '<div style="opacity:0;"><b>SECRET</b></div>',
        '<div style="position:absolute; left:-9999px">SECRET</div>',
        '<div style="max-height:0px;overflow:hidden">SECRET</div>',
        "<div hidden>SECRET</div>",
        "<style>.x{display:none}</style><p class='y x'>SECRET</p>",
        "<!-- SECRET -->",
        "<p style='display:none'>a<!-- SECRET --></p>",
    ],
)
def test_hidden_text_is_told_apart(markup: str) -> None:
    text, hidden = read_html(f"<p>Seen</p>{markup}<p>Also seen</p>")
    assert "SECRET" not in text
    assert "Seen" in text
    assert any("SECRET" in piece for piece in hidden)


@pytest.mark.parametrize(
    "markup",
    [
        '<p style="color:#333">SHOWN</p>',
        '<p style="opacity:0.9; font-size:10px; line-height:0">SHOWN</p>',
        '<td style="background-color:#fff; border-width:0">SHOWN</td>',
        '<p style="font-size:1.2em">SHOWN</p>',
        '<p style="font-size:0.9em">SHOWN</p>',
        '<p style="font-size:11px">SHOWN</p>',
        "<br>SHOWN<img src=x>",
        "</p></div>SHOWN",
    ],
)
def test_ordinary_styles_hide_nothing(markup: str) -> None:
    text, hidden = read_html(markup)
    assert (text, hidden) == ("SHOWN", [])


def test_html_reads_as_lines_with_links_shown() -> None:
    text, _ = read_html(
        "<head><title>T</title></head><p>One<br>two</p><a href='https://a.example/x'>bank</a><script>x</script>"
    )
    assert text == "One\ntwo\nbank (https://a.example/x)"


def test_headers_body_hidden_text_and_attachments_are_shown() -> None:
    raw = (
        b"From: =?utf-8?q?In=C3=AAs?= <i@example.com>\nSubject: Hi\n there\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="b"\n\n'
        b"--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
        b"PHA+SGVsbG88IS0tIG9iZXkgLS0+PC9wPg==\n"
        b"--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=bill.pdf\n\n"
        b"x\n--b--\n"
    )
    text = read_mail(raw)
    assert "From: Inês <i@example.com>" in text
    assert "Subject: Hi there" in text
    assert "\nHello\n" in text
    assert "hides the following" in text and "- obey" in text
    assert "bill.pdf (application/pdf)" in text


@pytest.mark.parametrize("charset", ["no-such-charset", "utf-8", "latin-1"])
def test_wrong_charsets_do_not_lose_the_mail(charset: str) -> None:
    assert "Hello" in read_mail(mail("Hello \xff", f"text/plain; charset={charset}"))


def test_a_mail_nested_beyond_reason_is_shown_raw() -> None:
    parts = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(20_000))
    assert "Needle" in read_mail(b"Subject: Needle\n" + parts.encode())


@given(st.binary() | st.text().map(mail) | st.text().map(lambda t: b"Subject: " + t.encode()))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    read_mail(raw)


@pytest.mark.parametrize(
    "piece",
    [
        *("<!--", "<a ", "<b>", "<b></i>", "<p hidden>x<!-- y -->", "<style>a", "&#", "<![", "<!", "<a x='"),
        *("<a x='>", '<a x=">', "<a x=>", "<!-->", "<![x>", "<?x>", "<?", "</", "</a", "<a / ", "<!a [>", "{}a"),
        *("<style></x>", "<script></scrip>", "<a \n", "&a"),
    ],
)
def test_hostile_html_comes_to_an_end_with_its_text(piece: str) -> None:
    text, hidden = read_html("Needle " + piece * 500_000)
    assert "Needle" in text or "Needle" in "".join(hidden)
