"""The table in docs/performance.md, made of results.json, so that the two cannot differ."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .result import read

DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- made by `python -m benchmarks --table` -->", "<!-- end of the table -->"
MEETS = {True: "met", False: "**missed**", None: ""}
UNSHOWN = re.compile(r"(, queries|, [\d,]+ runs, p50)$|^making ")
"""Of the pages only the slow end is shown; results.json has them all."""


def rewrite() -> None:
    DOCUMENT.write_text(renewed(DOCUMENT.read_text()))


def renewed(text: str) -> str:
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{markdown(read())}\n{END}{rest.split(END, 1)[1]}"


def markdown(rows: list[dict[str, Any]]) -> str:
    lines = ["| what | ours | bar | | peer | ours ÷ peer |", "|---|--:|--:|---|---|--:|"]
    for row in rows:
        if not UNSHOWN.search(row["name"]):
            peer = f"{row['peer_name']} {_number(row['peer'])}" if row["peer"] else ""
            ratio = f"{row['ratio']:.2f}" if row["ratio"] else ""
            bar = "" if row["bar"] is None else _number(row["bar"])
            ours = f"{_number(row['ours'])} {row['unit']}"
            lines.append(f"| {row['name']} | {ours} | {bar} | {MEETS[row['meets']]} | {peer} | {ratio} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
