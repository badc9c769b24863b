"""A graph of steps in columns: what waits for nothing on the left, what comes after it to the right."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agentops.tools.escape import visible

WIDE, HIGH = 196, 60
"""Pixels of a node."""
ACROSS, DOWN = 48, 14
"""Pixels between two columns, and between two nodes of one."""
LANE = 10
"""Pixels that an edge is given where it passes a column on its way to a later one."""
EDGE = 8
"""Pixels around the whole."""
LINE = 24
"""Letters of a title that fit into one line of a node; a wide letter counts as two."""
SWEEPS = 4

SHAPES = {
    "pending": "M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9z",
    "running": "M2.5 1.5l8 4.5l-8 4.5z",
    "done": "M1.5 6.5l3 3l6-7",
    "failed": "M2 2l8 8M10 2l-8 8",
    "skipped": "M1.5 6h9M8 3l3 3l-3 3",
}
"""Of a status, drawn in 12 by 12: none looks like another without its colour."""


@dataclass(frozen=True, slots=True)
class Node:
    key: str
    title: str
    status: str
    """One of SHAPES; anything else is drawn as pending."""
    words: str
    """The status as people read it, with the tries where there were several."""
    after: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    wide: float
    high: float

    @property
    def middle(self) -> float:
        return self.y + self.high / 2


@dataclass(frozen=True, slots=True)
class Layout:
    boxes: dict[str, Box]
    edges: dict[tuple[str, str], list[tuple[float, float]]]
    """From the right of one node to the left of another, through its lane of each column between them."""
    wide: float
    high: float


def graph(nodes: Sequence[Node], title: str) -> SafeString:
    """Drawn for those who see it; a list of the same steps belongs beside it for everybody."""
    placed = layout({node.key: list(node.after) for node in nodes})
    status = {node.key: node.status for node in nodes}
    lines = format_html_join(
        "",
        '<path class="graph-edge" data-done="{}" d="{}" marker-end="url(#graph-end)"/>',
        (("yes" if status[source] == "done" else "no", _curve(points)) for (source, _), points in placed.edges.items()),
    )
    drawn = format_html_join("", "{}", ((_node(node, placed.boxes[node.key]),) for node in nodes))
    return format_html(
        '<svg class="graph" role="img" aria-label="{}" width="{}" height="{}">'
        '<defs><marker id="graph-end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="graph-end" d="M0 0.5L7.5 4L0 7.5z"/></marker></defs>{}{}</svg>',
        visible(title), _number(placed.wide), _number(placed.high), lines, drawn,
    )  # fmt: skip


def mark(status: str) -> SafeString:
    """The shape of a status alone, for the list beside the graph."""
    return format_html(
        '<svg class="icon" viewBox="0 0 12 12" aria-hidden="true"><path class="graph-mark" d="{}"/></svg>',
        SHAPES.get(status, SHAPES["pending"]),
    )


def layout(after: Mapping[str, Sequence[str]]) -> Layout:
    """Where each node of an acyclic graph stands. `after`: key → keys it comes after; those that are no node are left
    out, and of a circle the edge that closes it."""
    before = _acyclic(after)
    layer = _layers(before)
    last = {
        key: max([layer[other] for other, its in before.items() if key in its], default=layer[key]) for key in layer
    }
    columns: list[list[tuple[str, bool]]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for key in after:
        columns[layer[key]].append((key, True))
        for passed in range(layer[key] + 1, last[key]):
            columns[passed].append((key, False))  # all that goes on from one node shares a lane
    _untangle(columns, before)
    highs = [sum(HIGH + DOWN if real else LANE for _, real in column) - DOWN for column in columns]
    high = max([*highs, HIGH])
    boxes: dict[str, Box] = {}
    lanes: dict[tuple[str, int], Box] = {}
    for number, column in enumerate(columns):
        x = EDGE + number * (WIDE + ACROSS)
        y = EDGE + (high - highs[number]) / 2
        for key, real in column:
            if real:
                boxes[key] = Box(x, y, WIDE, HIGH)
                y += HIGH + DOWN
            else:
                lanes[key, number] = Box(x, y, WIDE, LANE)
                y += LANE
    edges = {
        (source, key): _way(
            boxes[source], boxes[key], [lanes[source, at] for at in range(layer[source] + 1, layer[key])]
        )
        for key, sources in before.items()
        for source in sources
    }
    wide = max(len(columns), 1) * (WIDE + ACROSS) - ACROSS
    return Layout({key: boxes[key] for key in after}, edges, wide + 2 * EDGE, high + 2 * EDGE)


def _acyclic(after: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, wanted in after.items():
        found[key] = []
        for source in dict.fromkeys(wanted):
            if source in after and source != key and not _reaches(key, source, found):
                found[key].append(source)
    return found


def _reaches(wanted: str, start: str, before: Mapping[str, list[str]]) -> bool:
    """Whether `start` comes after `wanted`, directly or through others."""
    seen, waiting = {start}, [start]
    while waiting:
        for key in before.get(waiting.pop(), []):
            if key == wanted:
                return True
            if key not in seen:
                seen.add(key)
                waiting.append(key)
    return False


def _layers(before: Mapping[str, list[str]]) -> dict[str, int]:
    layer: dict[str, int] = {}
    while len(layer) < len(before):
        for key, sources in before.items():
            if key not in layer and all(source in layer for source in sources):
                layer[key] = max([layer[source] + 1 for source in sources], default=0)
    return layer


def _untangle(columns: list[list[tuple[str, bool]]], before: Mapping[str, list[str]]) -> None:
    """Each item near what it comes after, then near what comes after it: few edges cross."""
    following: dict[str, set[str]] = {key: set() for key in before}
    for key, sources in before.items():
        for source in sources:
            following[source].add(key)
    for sweep in range(SWEEPS):
        forwards = sweep % 2 == 0
        order = range(1, len(columns)) if forwards else range(len(columns) - 2, -1, -1)
        for number in order:
            beside, column = columns[number - 1 if forwards else number + 1], columns[number]
            place = {key: at / max(len(beside) - 1, 1) for at, (key, _) in enumerate(beside)}
            weighed = []
            for at, (key, real) in enumerate(column):
                near: Iterable[str] = (before[key] if real else [key]) if forwards else {key, *following[key]}
                found = [place[other] for other in near if other in place]
                own = at / max(len(column) - 1, 1)
                weighed.append((sum(found) / len(found) if found else own, at, (key, real)))
            column[:] = [item for _, _, item in sorted(weighed)]


def _way(source: Box, end: Box, lanes: Sequence[Box]) -> list[tuple[float, float]]:
    points = [(source.x + source.wide, source.middle)]
    for lane in lanes:
        points += [(lane.x, lane.middle), (lane.x + lane.wide, lane.middle)]
    return [*points, (end.x, end.middle)]


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Bent between two columns, straight through one."""
    (x, y), *rest = points
    words = [f"M{_number(x)} {_number(y)}"]
    for at, (to_x, to_y) in enumerate(rest):
        middle = _number((x + to_x) / 2)
        curve = f"C{middle} {_number(y)} {middle} {_number(to_y)} {_number(to_x)} {_number(to_y)}"
        words.append(curve if at % 2 == 0 else f"H{_number(to_x)}")
        x, y = to_x, to_y
    return "".join(words)


def _node(node: Node, box: Box) -> SafeString:
    status = node.status if node.status in SHAPES else "pending"
    lines = fold(visible(node.title) or node.key)
    text = format_html_join(
        "", '<text class="graph-title" x="12" y="{}">{}</text>', ((19 + 15 * at, line) for at, line in enumerate(lines))
    )
    return format_html(
        '<svg class="graph-node" data-status="{}" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title>'
        '<rect class="graph-box" x="1" y="1" width="{}" height="{}" rx="5"/>{}'
        '<path class="graph-mark" transform="translate(12 42)" d="{}"/>'
        '<text class="graph-words" x="30" y="52">{}</text></svg>',
        status, _number(box.x), _number(box.y), _number(box.wide), _number(box.high), visible(node.title),
        visible(node.words),
        _number(box.wide - 2), _number(box.high - 2), text, SHAPES[status], visible(node.words),
    )  # fmt: skip


def fold(title: str) -> list[str]:
    """One line or two, by the room that its letters take; what is cut ends with an ellipsis."""
    first, rest = _take(title, LINE)
    if not rest:
        return [first]
    second, more = _take(rest, LINE - 1)
    return [first, f"{second}…" if more else second]


def _take(text: str, room: int) -> tuple[str, str]:
    """As much as fits, up to the end of a word where there is one, and the rest."""
    used = 0
    for at, letter in enumerate(text):
        used += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if used > room:
            space = text.rfind(" ", 0, at + 1)
            cut = space if space > room // 3 else at
            return text[:cut].rstrip(), text[cut:].lstrip()
    return text, ""


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
