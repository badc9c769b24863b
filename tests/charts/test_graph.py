"""A graph of steps: nothing lies over anything, every edge is drawn, and no word breaks out of it."""

from __future__ import annotations

from itertools import combinations
from typing import Any
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from agentops.charts.graph import LINE, SHAPES, Box, Node, fold, graph, layout

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '"><script>alert(1)</script>\u202e</svg>'


@st.composite
def graphs(draw: Any) -> dict[str, list[str]]:
    count = draw(st.integers(1, 40))
    return {
        f"s{number}": [f"s{other}" for other in range(number) if draw(st.integers(0, 6)) == 0]
        for number in range(count)
    }


def overlap(one: Box, other: Box) -> bool:
    across = one.x < other.x + other.wide and other.x < one.x + one.wide
    return across and one.y < other.y + other.high and other.y < one.y + one.high


@settings(max_examples=60)
@given(graphs())
def test_no_node_lies_over_another_and_every_edge_goes_to_the_right_around_them(after: dict[str, list[str]]) -> None:
    placed = layout(after)
    assert set(placed.boxes) == set(after)
    assert not [pair for pair in combinations(placed.boxes.values(), 2) if overlap(*pair)]
    assert set(placed.edges) == {(source, key) for key, sources in after.items() for source in sources}
    for (source, key), points in placed.edges.items():
        assert points[0] == (placed.boxes[source].x + placed.boxes[source].wide, placed.boxes[source].middle)
        assert points[-1] == (placed.boxes[key].x, placed.boxes[key].middle)
        assert [x for x, _ in points] == sorted(x for x, _ in points)
        # Past other columns it keeps to its lane, in which no node stands.
        for (x, y), (end, _) in zip(points[1:-1:2], points[2:-1:2], strict=True):
            assert not [box for box in placed.boxes.values() if overlap(box, Box(x, y, end - x, 0.1))]
    for box in placed.boxes.values():
        assert box.x >= 0 and box.x + box.wide <= placed.wide
        assert box.y >= 0 and box.y + box.high <= placed.high


def test_forty_steps_each_after_all_before_it_are_drawn() -> None:
    nodes = [Node(f"s{n}", f"Step {n}", "pending", "Not begun", [f"s{o}" for o in range(n)]) for n in range(40)]
    svg = graph(nodes, "The plan")
    assert svg.count("graph-edge") == 40 * 39 // 2
    assert svg.count('class="graph-node"') == 40
    assert len(svg) < 500_000


def test_what_follows_stands_right_of_what_it_follows_beside_what_runs_at_the_same_time() -> None:
    boxes = layout({"a": [], "b": [], "c": ["a", "b"]}).boxes
    assert boxes["a"].x == boxes["b"].x < boxes["c"].x


def test_what_follows_no_step_or_itself_is_drawn_without_that_edge() -> None:
    assert list(layout({"a": ["gone", "a"], "b": ["c"], "c": ["b"]}).edges) == [("c", "b")]
    assert layout({}).boxes == {}


def test_every_status_has_a_shape_and_a_word_of_its_own() -> None:
    assert len(set(SHAPES.values())) == 5
    tree = ElementTree.fromstring(
        graph([Node("a", "Ask", "failed", "Failed, 2 tries")], "The plan").replace(
            "<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1
        )
    )
    node = tree.find(f"{SVG}svg")
    assert node is not None and node.attrib["data-status"] == "failed"
    assert [text.text for text in node.iter(f"{SVG}text")] == ["Ask", "Failed, 2 tries"]
    assert tree.attrib["aria-label"] == "The plan"


def test_hostile_titles_stay_words() -> None:
    svg = graph([Node("a", HOSTILE, HOSTILE, HOSTILE)], HOSTILE)
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert "style=" not in svg
    assert svg.count("</svg>") == svg.count("<svg")


def test_a_title_takes_two_lines_at_most_and_wide_letters_count_twice() -> None:
    assert fold("Short") == ["Short"]
    assert fold("Collect the figures of all orders") == ["Collect the figures of", "all orders"]
    assert [len(line) for line in fold("長" * 100)] == [LINE // 2, LINE // 2]
    assert fold("x" * 100)[1].endswith("…")
