"""What people say to a run while it works: a message to mind, or a question before they decide."""

from __future__ import annotations

import re

from agentops.simulator.requests import Request

from .results import one_line

MESSAGE = re.compile(r"A person who watches this run \(([^\n]*?)\) says: (.+)", re.DOTALL)
QUESTION = re.compile(
    r"Before deciding about “(.*?)”, a person \(([^\n]*?)\) asks you: (.+?)(?:\nAnswer in words|$)", re.DOTALL
)
ENOUGH = re.compile(r"\b(?:stop|finish|wrap (?:it )?up|that'?s enough|enough now|come to an end)\b", re.IGNORECASE)


def messages(request: Request) -> list[tuple[str, str]]:
    """Who said what since the last turn."""
    found = (MESSAGE.match(text) for text in _words(request))
    return [(match[1], one_line(match[2], 200)) for match in found if match]


def acknowledged(request: Request) -> str:
    """A sentence for each message; "" when nobody said anything."""
    return "".join(f"{who} says: “{text}” I take that in. " for who, text in messages(request))


def want_an_end(request: Request) -> bool:
    return any(ENOUGH.search(text) for _who, text in messages(request))


def answer(request: Request) -> str:
    """To the question of a person who is about to decide; "" when nobody asks."""
    match = next((found for text in reversed(_words(request)) if (found := QUESTION.match(text))), None)
    if match is None:
        return ""
    said = [
        block["text"]
        for message in request.messages
        if message["role"] == "assistant"
        for block in message["content"]
        if block["type"] == "text"
    ]
    because = f"What I said when I asked for it: “{one_line(said[-1], 400)}”" if said else "It follows from the goal."
    uses = [block["name"] for block, text in request.calls() if text.startswith("{")]
    seen = f" I rest this on what {', '.join(dict.fromkeys(uses))} gave me." if uses else ""
    return (
        f"You ask about “{one_line(match[1], 200)}”: {one_line(match[3], 300)}\n\n{because}{seen} Nothing has been "
        "done yet. If you turn it down, I go on without it."
    )


def _words(request: Request) -> list[str]:
    """The texts beside tool results in the newest message."""
    return [block["text"] for block in request.messages[-1]["content"] if block["type"] == "text"]
