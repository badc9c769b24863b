"""What the researcher knows so far, and how it says it: notes, a letter, the answer with its sources."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agentops.simulator.requests import Request

from . import results, sources
from .results import Deed
from .sources import Figure, Source

NOTES = "notes/sources.md"


@dataclass(frozen=True)
class Desk:
    deeds: list[Deed]
    latest: list[Source]
    """Read in the turn before this one."""

    @cached_property
    def sources(self) -> list[Source]:
        return [source for deed in self.of("http_fetch") if (source := sources.read(deed))]

    @cached_property
    def figures(self) -> list[Figure]:
        return sources.figures(self.sources)

    @property
    def disagreement(self) -> tuple[Figure, Figure] | None:
        return sources.disagreement(self.figures)

    @property
    def fetched(self) -> list[str]:
        return [str(deed.call.input.get("url")) for deed in self.of("http_fetch")]

    @property
    def ruling(self) -> str:
        """What a person answered; "" when nobody did."""
        asked = [deed.result for deed in self.of("ask_human")]
        return results.one_line(str(asked[-1].data or "")) if asked and asked[-1].ok else ""

    def of(self, tool: str) -> list[Deed]:
        return [deed for deed in self.deeds if deed.call.name == tool]

    def unread(self, urls: list[str]) -> list[str]:
        known = {_same(url) for url in (*self.fetched, *(source.url for source in self.sources))}
        return [url for url in dict.fromkeys(urls) if _same(url) not in known]


def open_desk(request: Request) -> Desk:
    deeds = results.deeds(request)
    spoken = [message["content"] for message in request.messages if message["role"] == "assistant"]
    count = sum(block["type"] == "tool_use" for block in spoken[-1]) if spoken else 0
    fresh = (sources.read(deed) for deed in deeds[len(deeds) - count :] if deed.call.name == "http_fetch")
    return Desk(deeds, [source for source in fresh if source])


def tricks(read: list[Source]) -> str:
    """On pages just read that try to give orders."""
    return "".join(
        f"“{source.title}” tells AI assistants what to do. A page cannot do that: I do not follow it, and use none of "
        "its figures. "
        for source in read
        if source.commands
    )


def notes(desk: Desk) -> str:
    lines = [f"- {figure.subject}, {figure.aspect}: {figure.text} ({figure.source.url})" for figure in desk.figures]
    hostile = [
        f"- {source.url}: gives orders to AI assistants; not used." for source in desk.sources if source.commands
    ]
    return "\n".join(["# Sources", "", *(lines or ["- No figures found."]), *hostile, ""])


def letter(to: str, apart: tuple[Figure, Figure]) -> dict[str, Any]:
    one, other = apart
    return {
        "to": to,
        "subject": f"How did you count “{one.aspect}”?",
        "body": (
            f"Hello,\n\nyour page gives {other.text} for {other.subject} mailers, another one {one.text}. Could you "
            "tell us what you counted as damaged?\n\nKind regards"
        ),
    }


def answer(desk: Desk) -> str:
    if not desk.sources:
        failed = [deed.result.problem for deed in desk.of("http_fetch") if not deed.result.ok]
        why = f" It said: “{failed[0]}”" if failed else " The goal names no address to start from."
        return f"I could read no page, so there is no answer.{why}"
    parts = [_in_short(desk), _table(desk), _chart(desk), _disputed(desk), _mail(desk), _hostile(desk), _sources(desk)]
    return "\n\n".join(part for part in parts if part)


def _in_short(desk: Desk) -> str:
    """Who does best at what, less being better in price, weight and damage alike."""
    best: dict[str, list[str]] = {}
    for aspect in dict.fromkeys(figure.aspect for figure in desk.figures):
        known = [figure for figure in desk.figures if figure in _chosen(desk, figure.subject, aspect)]
        best.setdefault(min(known, key=lambda figure: figure.value).subject, []).append(aspect.lower())
    if len(best) < 2:
        return ""
    return (
        "; ".join(
            f"**{subject.capitalize()} mailers** do better on {' and '.join(does)}" for subject, does in best.items()
        )
        + "."
    )


def _table(desk: Desk) -> str:
    subjects = list(dict.fromkeys(figure.subject for figure in desk.figures))
    if not subjects:
        return "The pages hold no figures that I could compare. What they are about:\n\n" + "\n".join(
            f"- **{source.title}**: {results.one_line(source.text, 160)}" for source in desk.sources
        )
    lines = ["| | " + " | ".join(f"{subject.capitalize()} mailers" for subject in subjects) + " |"]
    lines.append("|---" * (len(subjects) + 1) + "|")
    for aspect in dict.fromkeys(figure.aspect for figure in desk.figures):
        cells = [_chosen(desk, subject, aspect) for subject in subjects]
        words = [" or ".join(dict.fromkeys(figure.text for figure in cell)) or "–" for cell in cells]
        lines.append(f"| {aspect} | " + " | ".join(words) + " |")
    return "\n".join(lines)


def _chart(desk: Desk) -> str:
    subjects = list(dict.fromkeys(figure.subject for figure in desk.figures))
    shown = [(figure.source.title, subject, figure) for subject in subjects
             for figure in _chosen(desk, subject, "Arrived damaged")]  # fmt: skip
    if len(shown) < 2:
        return ""
    drawing = {
        "type": "bar",
        "title": "Arrived damaged",
        "unit": "%",
        "labels": [f"{subject.capitalize()} ({title.partition(':')[0]})" for title, subject, _figure in shown],
        "values": [figure.value for _title, _subject, figure in shown],
    }
    return f"```chart\n{json.dumps(drawing, ensure_ascii=False)}\n```"


def _chosen(desk: Desk, subject: str, aspect: str) -> list[Figure]:
    """All that is known, but of what is disputed only what a person chose."""
    found = [figure for figure in desk.figures if (figure.subject, figure.aspect) == (subject, aspect)]
    disputed = desk.disagreement is not None and desk.disagreement[0] in found
    named = [figure for figure in found if desk.ruling.startswith(figure.text)] if disputed else []
    return named if len(named) == 1 else found


def _disputed(desk: Desk) -> str:
    if desk.disagreement is None:
        return ""
    one, other = desk.disagreement
    what = f"The sources disagree on “{one.aspect}” for {one.subject} mailers ({one.text} or {other.text})."
    said = f"I asked, and a person said: “{desk.ruling}”." if desk.ruling else "Nobody settled it, so I show both."
    return f"{what} {said}"


def _mail(desk: Desk) -> str:
    lines = []
    for deed in desk.of("send_email"):
        to, result = deed.done.get("to"), deed.result
        if result.happened:
            lines.append(f"I wrote to {to} to ask how they counted.")
        elif result.rejected:
            because = f" (“{result.reason}”)" if result.reason else ""
            lines.append(f"My question to {to} was turned down{because}, and was not sent.")
        else:
            lines.append(f"My question to {to} was not sent: {result.problem or 'no reason given'}")
    return " ".join(lines)


def _hostile(desk: Desk) -> str:
    pages = [source for source in desk.sources if source.commands]
    return "".join(
        f"**Careful:** {source.url} carries instructions to AI assistants (to mail out notes and customers)"
        f"{f', and hides {source.hidden} pieces of text from readers' if source.hidden else ''}. I followed none of it."
        for source in pages
    )


def _sources(desk: Desk) -> str:
    used = dict.fromkeys(figure.source for figure in desk.figures)
    listed = used or dict.fromkeys(source for source in desk.sources if not source.commands)
    return "**Sources**\n" + "\n".join(f"- [{source.title or source.url}]({source.url})" for source in listed)


def _same(url: str) -> str:
    return url.partition("#")[0].rstrip("/")
