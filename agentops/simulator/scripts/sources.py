"""Web pages as the researcher understands them: figures, where they disagree, and who tries to give it orders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from .results import Deed, one_line

LINK = re.compile(r"\((https?://[^\s()]+)\)")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
COMMAND = re.compile(
    r"\bAI (?:assistant|agent)s?\b|language model|ignore (?:all|your|previous|what you)", re.IGNORECASE
)
HIDDEN = re.compile(r"(\d+) hidden pieces? left out")
FIGURE = re.compile(r"^(\d+(?:\.\d+)?) (USD|%|g)$")
SUBJECTS = ("paper", "compostable")
ASPECTS = {"USD": "Price", "%": "Arrived damaged", "g": "Weight"}
APART = 1.25
"""Two figures that differ by more than this factor disagree."""


@dataclass(frozen=True, slots=True)
class Source:
    url: str
    title: str
    text: str
    hidden: int
    """Pieces that the page hides from readers."""

    @property
    def site(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def commands(self) -> bool:
        """It addresses the machine that reads it."""
        return bool(COMMAND.search(self.text))

    @property
    def links(self) -> list[str]:
        return list(dict.fromkeys(link.partition("#")[0] for link in LINK.findall(self.text)))

    @property
    def contact(self) -> str:
        match = ADDRESS.search(self.text)
        return match[0] if match and not self.commands else ""


@dataclass(frozen=True, slots=True)
class Figure:
    subject: str
    aspect: str
    value: float
    unit: str
    source: Source

    @property
    def text(self) -> str:
        return f"{self.value:g} {self.unit}"


def read(deed: Deed) -> Source | None:
    if not deed.result.ok or not deed.result.text():
        return None
    head, _, text = deed.result.text().partition("\n\n")
    title, address = (_field(head, name) for name in ("Title", "Address"))
    hidden = HIDDEN.search(deed.result.summary)
    return Source(
        address or str(deed.call.input.get("url")), one_line(title, 80), text, int(hidden[1]) if hidden else 0
    )


def figures(sources: Iterable[Source]) -> list[Figure]:
    """Of tables only, and of pages that do not try to give orders."""
    found = []
    for source in sources:
        if source.commands:
            continue
        for line in source.text.splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            match = FIGURE.match(cells[-1]) if len(cells) > 1 else None
            subject = _subject(cells[0]) or _subject(source.title)
            if match and subject:
                found.append(Figure(subject, ASPECTS[match[2]], float(match[1]), match[2], source))
    return found


def disagreement(found: list[Figure]) -> tuple[Figure, Figure] | None:
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            low, high = sorted((one.value, other.value))
            if (one.subject, one.aspect) == (other.subject, other.aspect) and high > low * APART:
                return one, other
    return None


def _subject(text: str) -> str:
    return next((subject for subject in SUBJECTS if subject in text.lower()), "")


def _field(head: str, name: str) -> str:
    match = re.search(rf"^{name}: (.*)$", head, re.MULTILINE)
    return match[1].strip() if match else ""
