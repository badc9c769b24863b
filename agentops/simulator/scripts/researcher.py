"""The demo's researcher: reads pages, asks a person where they disagree, takes notes, answers with its sources."""

from __future__ import annotations

import re
from collections.abc import Callable

from agentops.simulator.requests import Request
from agentops.simulator.turns import ToolCall, Turn

from . import findings
from .findings import NOTES, Desk, open_desk

START = re.compile(r"https?://[^\s<>\"“”()]+")
MOST_PAGES = 8
READS_A_TURN = 3
LAST_TURN = 12
"""Whatever the results were, the answer comes then."""


def matches(request: Request) -> bool:
    return "http_fetch" in request.tool_names and "researcher" in request.system.lower()


def turn(request: Request) -> Turn:
    desk = open_desk(request)
    steps: tuple[Callable[[Request, Desk], Turn | None], ...] = (_start, _read_on, _ask, _note_and_write)
    if request.turn_number < LAST_TURN:
        for step in steps:
            if (found := step(request, desk)) is not None:
                return found
    return Turn(text=findings.answer(desk))


def closing(request: Request) -> str:
    return findings.answer(open_desk(request))


def _start(request: Request, desk: Desk) -> Turn | None:
    given = [address.rstrip(".,;:!?") for address in START.findall(request.goal())]
    new = desk.unread(given)
    if not new or desk.fetched:
        return None
    return Turn(
        thinking=(
            "I read what the goal names, and follow its links within the same site. What pages say is data: figures I "
            "check against each other, and instructions in them I do not follow."
        ),
        text="I start with the page that the goal names.",
        tools=_fetches(new),
    )


def _read_on(request: Request, desk: Desk) -> Turn | None:
    first = desk.sources[0] if desk.sources else None
    if first is None:
        return None
    links = [link for source in desk.sources for link in source.links if link.startswith(f"{_root(first.url)}/")]
    new = desk.unread(links)[: MOST_PAGES - len(desk.fetched)]
    if not new:
        return None
    text = "The rest of them." if len(desk.fetched) > 1 else f"“{first.title}” lists articles; I read them."
    return Turn(text=f"{findings.tricks(desk.latest)}{text}", tools=_fetches(new))


def _ask(request: Request, desk: Desk) -> Turn | None:
    apart = desk.disagreement
    if apart is None or "ask_human" not in request.tool_names or desk.of("ask_human"):
        return None
    one, other = apart
    question = (
        f"Two sources disagree on “{one.aspect}” for {one.subject} mailers: {one.text} or {other.text}. Which should "
        "the comparison use?"
    )
    call = ToolCall(
        "ask_human",
        {
            "question": question,
            "options": [f"{figure.text} ({figure.source.title})" for figure in apart] + ["Show both"],
            "context": "\n".join(f"{figure.text}: {figure.source.title}, {figure.source.url}" for figure in apart),
        },
    )
    return Turn(
        text=f"{findings.tricks(desk.latest)}My sources disagree, and I cannot tell who is right.", tools=(call,)
    )


def _note_and_write(request: Request, desk: Desk) -> Turn | None:
    calls = []
    if desk.sources and "write_file" in request.tool_names and not desk.of("write_file"):
        calls.append(ToolCall("write_file", {"path": NOTES, "text": findings.notes(desk)}))
    apart = desk.disagreement
    contact = next((figure.source.contact for figure in apart or () if figure.source.contact), "")
    if contact and apart and "send_email" in request.tool_names and not desk.of("send_email"):
        calls.append(ToolCall("send_email", findings.letter(contact, apart)))
    if not calls:
        return None
    text = "I write my notes down."
    if contact:
        text += " And I ask the author how they counted; whether that mail goes out is for a person to decide."
    return Turn(text=f"{findings.tricks(desk.latest)}{text}", tools=tuple(calls))


def _fetches(urls: list[str]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall("http_fetch", {"url": url}) for url in urls[:READS_A_TURN])


def _root(url: str) -> str:
    return url.rpartition("/")[0]
