"""Reads HTML as a person would see it, and tells apart what it hides from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_BREAKS = {
    "p",
    "div",
    "br",
    "tr",
    "li",
    "table",
    "ul",
    "ol",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "blockquote",
}
_CELLS = {"td", "th"}
_NOT_TEXT = {"script", "style", "head", "title", "template", "noscript"}

_UNSEEN = re.compile(
    r"""display:none|visibility:(hidden|collapse)|mso-hide:all|opacity:(0(\.0\d*)?|\.0\d*)(;|!|$)
    |font-size:((0|0?\.[0-2]\d*)(px|pt|em|rem|%|;|!|$)|[01]?(\.\d+)?(px|pt)|1%)
    |(?<![-\w])(max-)?(height|width):0(px|pt|em|%|;|!|$)
    |(?<![-\w])color:(\#fff(fff)?|white|transparent|rgba?\(255,255,255)|text-indent:-\d{3,}|(left|top):-\d{3,}
    |clip:rect\(0|transform:scale\(0""",
    re.IGNORECASE | re.VERBOSE,
)
_MAX_LENGTH = 400_000
"""Characters that are read: a hostile page must not hold the thread."""
_MAX_DEPTH = 200
_MAX_UNCLOSED = 50
"""Tags that never end: the parser looks for the end of each through all that follows."""

_SELECTOR = re.compile(r"[.#][\w-]+")


@dataclass(frozen=True, slots=True)
class Page:
    text: str
    title: str = ""
    hidden: tuple[str, ...] = ()
    """What its author hid from readers: unseen styles and comments."""


def read_html(markup: str) -> tuple[str, list[str]]:
    """The text, and the pieces that its author hid from readers (unseen styles and comments).

    Markup that is no HTML comes back as it is, with nothing left out.
    """
    page = read_page(markup)
    return page.text, list(page.hidden)


def read_page(markup: str, base: str = "") -> Page:
    """The same with the title; where the page's address is given as `base`, links within the site show in full."""
    markup = markup[:_MAX_LENGTH]
    if sum(">" not in piece for piece in markup.split("<")[1:]) > _MAX_UNCLOSED:
        return Page(markup)
    reader = _Reader(base)
    try:
        reader.feed(markup)
        reader.close()
    except AssertionError:  # the parser's answer to declarations that it cannot make sense of
        return Page(markup)
    text = re.sub(r"[^\S\n]+", " ", "".join(reader.seen))
    text = re.sub(r"(?<![ |])[ |]*(\n|$)[ |]*", r"\1", text)
    hidden = (" ".join("".join(piece).split()) for piece in reader.hidden)
    title = " ".join("".join(reader.title).split())
    return Page(re.sub(r"\n{3,}", "\n\n", text).strip(), title, tuple(piece for piece in hidden if piece))


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = base
        self.seen: list[str] = []
        self.title: list[str] = []
        self.hidden: list[list[str]] = []
        self._open: list[tuple[str, bool, str]] = []
        """Open elements: tag, whether it or a parent hides its text, and the address it links to."""
        self._unseen_selectors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _BREAKS:
            self.seen.append("\n")
        if tag == "img" and given.get("alt"):
            self.handle_data(f"[image: {given['alt']}]")
        if tag not in _VOID and len(self._open) < _MAX_DEPTH:
            hides = self._hiding or self._unseen(given)
            if hides and not self._hiding:
                self.hidden.append([])
            self._open.append((tag, hides, self._address(given.get("href", "")) if tag == "a" else ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in [name for name, _, _ in self._open]:
            return
        name = ""
        while name != tag:
            name, hides, link = self._open.pop()
        if link.startswith(("http:", "https:", "mailto:")) and not hides:
            self.seen.append(f" ({link})")
        if tag in _BREAKS:
            self.seen.append("\n")
        elif tag in _CELLS and not hides:
            self.seen.append(" | ")

    def handle_data(self, data: str) -> None:
        inside = {name for name, _, _ in self._open}
        if "style" in inside:
            self._read_rules(data)
        elif self._hiding:
            self.hidden[-1].append(data)
        elif self._open and self._open[-1][0] == "title" and not inside & {"svg", "body"}:
            self.title.append(data)
        elif not inside & _NOT_TEXT:
            self.seen.append(re.sub(r"\s+", " ", data))

    def handle_comment(self, data: str) -> None:
        # Outlook's conditional comments are markup, and fill every newsletter.
        if not data.lstrip().startswith(("[if", "[endif", "<![")):
            self.hidden.insert(len(self.hidden) - self._hiding, [data])

    @property
    def _hiding(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _address(self, link: str) -> str:
        try:
            return urljoin(self._base, link) if self._base and link and not link.startswith("#") else link
        except ValueError:
            return ""

    def _unseen(self, given: dict[str, str]) -> bool:
        style = re.sub(r"\s+", "", given.get("style", ""))
        names = {f".{name}" for name in given.get("class", "").split()} | {f"#{given.get('id', '')}"}
        return (
            "hidden" in given
            or _UNSEEN.search(style) is not None
            or _UNSEEN.search(f"color:{given.get('color', '')}") is not None
            or bool(names & self._unseen_selectors)
        )

    def _read_rules(self, css: str) -> None:
        for rule in css.split("}"):
            selectors, _, body = rule.partition("{")
            if _UNSEEN.search(re.sub(r"\s+", "", body)):
                self._unseen_selectors.update(_SELECTOR.findall(selectors))
