"""The turns that are left out, written down: for a model to summarise, or as a summary where no model does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from agentops.core.messages import Block, Message, text_of

from .compaction import is_persons, summary_so_far

MOST_RECORD = 120_000
"""Bytes that a summariser is given at most."""
MOST_SUMMARY = 6_000
"""Characters of a summary."""
_CUTS = (3_000, 1_200, 500, 200, 80)
"""Characters of each text and result, tried until the record fits."""
_CLOSING = re.compile(r"<\s*/\s*record", re.IGNORECASE)

Describe = Callable[[Block], str]
"""A tool use in plain words."""


def record(messages: list[Message], describe: Describe, most: int = MOST_RECORD) -> str:
    """Between marks that nothing inside can close. Long texts are cut, evenly, until it fits; then its middle goes."""
    for cut in _CUTS:
        body = "\n".join(_lines(messages, describe, cut))
        if len(body.encode("utf-8", "replace")) <= most:
            break
    else:
        half = max(most // 8, 200)
        body = f"{body[:half]}\n… (left out) …\n{body[-half:]}"
    return f"<record>\n{_CLOSING.sub('[/record', body)}\n</record>"


def plain_summary(messages: list[Message], describe: Describe) -> str:
    """What was done and what came of it, a line a call, the latest ones where there are too many; no model needed."""
    before = summary_so_far(messages)
    lines = list(_deeds(messages[1:], describe))
    head = f"{before[: MOST_SUMMARY // 2]}\n" if before else ""
    kept: list[str] = []
    room = MOST_SUMMARY - len(head) - 80
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0:
            kept.append(f"- ({len(lines) - len(kept)} earlier calls are left out here)")
            break
        kept.append(line)
    return head + "\n".join(reversed(kept))


def _deeds(messages: list[Message], describe: Describe) -> Iterator[str]:
    outcomes = {
        block["tool_use_id"]: _outcome(block)
        for message in messages
        for block in message["content"]
        if block.get("type") == "tool_result"
    }
    for message in messages:
        for block in message["content"]:
            if block.get("type") == "tool_use":
                yield f"- {_one_line(describe(block), 200)}: {outcomes.get(block['id'], 'no result')}"


def _outcome(block: Block) -> str:
    words = str(block.get("content") or "")
    try:
        found = json.loads(words.rpartition("\n")[2])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return _one_line(words, 160)
    said = found.get("error") or found.get("summary") or found.get("data")
    shown = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return ("" if found.get("ok") else "failed: ") + (_one_line(shown, 160) if said is not None else "done")


def _lines(messages: list[Message], describe: Describe, cut: int) -> Iterator[str]:
    turn = 0
    for message in messages:
        if message["role"] == "assistant":
            turn += 1
            yield f"--- turn {turn}"
            if said := text_of(message["content"]):
                yield f"The agent: {_cut(said, cut)}"
            for block in message["content"]:
                if block.get("type") == "tool_use":
                    called = json.dumps(block.get("input"), ensure_ascii=False, default=str)
                    yield f"It called {block.get('name')} ({_one_line(describe(block), 200)}) {_cut(called, cut)}"
            continue
        for block in message["content"]:
            if block.get("type") == "tool_result":
                yield f"Result: {_cut(str(block.get('content') or ''), cut)}"
            elif block.get("type") == "text":
                yield _cut(block["text"], cut * 4 if not turn or is_persons(block) else cut)


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most * 2 // 3]} … {words[-most // 3 :]}"


def _one_line(words: str, most: int) -> str:
    line = " ".join(words.split())
    return line if len(line) <= most else line[: most - 1] + "…"
