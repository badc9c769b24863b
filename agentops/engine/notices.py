"""What the engine itself tells the model in mid-conversation, and how far back it looks for what it has told.

A notice is known by its first words, which no tool result and no person can put there: both arrive otherwise. So
everything about recoveries follows from the conversation, after a restart as before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentops.core.messages import PERSON_SPEAKS, Message

_NOTICE = re.compile(r"^Note from AgentOps \((\w+), (\d+) of (\d+)\): ")


def notice(kind: str, time: int, of: int, words: str) -> str:
    return f"Note from AgentOps ({kind}, {time} of {of}): {words}"


def since_a_person(messages: list[Message]) -> list[Message]:
    """The conversation after a person's last word; whatever went wrong before it is theirs to judge."""
    for index in range(len(messages) - 1, -1, -1):
        if _heard_a_person(messages[index]):
            return messages[index:]
    return messages


def since_a_notice(messages: list[Message]) -> list[Message]:
    """The conversation after the engine's last notice, or a person's last word, whichever came later."""
    for index in range(len(messages) - 1, -1, -1):
        if _begins_anew(messages[index]):
            return messages[index:]
    return messages


def times_told(messages: list[Message], kind: str) -> int:
    """How often the model was told so since a person's last word."""
    return sum(told == kind for message in since_a_person(messages) for told in _kinds(message))


def _kinds(message: Message) -> Iterator[str]:
    if message["role"] == "user":
        for block in message["content"]:
            if block.get("type") == "text" and (match := _NOTICE.match(block.get("text", ""))):
                yield match[1]


def _begins_anew(message: Message) -> bool:
    """In one look, as every step looks back over a hundred messages."""
    of_user = message["role"] == "user"
    for block in message["content"]:
        kind = block.get("type")
        if kind == "text" and of_user:
            said = block.get("text", "")
            if said.startswith(PERSON_SPEAKS) or _NOTICE.match(said):
                return True
        elif kind == "tool_use" and block.get("name") == "ask_human":
            return True
    return False


def _heard_a_person(message: Message) -> bool:
    """Their words to the run, or a question to them (what comes next is their answer)."""
    for block in message["content"]:
        speaks = block.get("type") == "text" and block.get("text", "").startswith(PERSON_SPEAKS)
        if speaks and message["role"] == "user":
            return True
        if block.get("type") == "tool_use" and block.get("name") == "ask_human":
            return True
    return False
