"""Charts as SVG from the server: crisp at any width, read without colour, and described in words."""

from __future__ import annotations

from .bars import bar
from .figure import figure
from .graph import Node, graph, mark
from .lines import line
from .numbers import MAX_POINTS, Number

__all__ = ["MAX_POINTS", "Node", "Number", "bar", "figure", "graph", "line", "mark"]
