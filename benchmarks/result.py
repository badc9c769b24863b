"""One measured figure, beside a peer's where there is one, and its bar."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Result:
    """`bar` is in `unit`; `higher_is_better` says which side of it is the good one."""

    name: str
    unit: str
    ours: float
    bar: float | None = None
    higher_is_better: bool = True
    peer: float | None = None
    peer_name: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by theirs."""
        return round(self.ours / self.peer, 2) if self.peer else None

    @property
    def meets(self) -> bool | None:
        if self.bar is None:
            return None
        return self.ours >= self.bar if self.higher_is_better else self.ours <= self.bar

    @property
    def row(self) -> dict[str, Any]:
        row = asdict(self)
        del row["higher_is_better"]
        for name in ("ours", "bar", "peer"):
            row[name] = None if row[name] is None else round(row[name], 2)
        return {**row, "ratio": self.ratio, "meets": self.meets}


def write(results: Sequence[Result]) -> None:
    """Into the file; figures of parts that were not measured this time stay."""
    measured = f"{datetime.now(UTC).date()}, {os.cpu_count()} cores"
    rows = {row["name"]: row for row in read()}
    for result in results:
        rows[result.name] = {**result.row, "measured": measured}
    RESULTS.write_text(json.dumps(list(rows.values()), indent=2) + "\n")


def read() -> list[dict[str, Any]]:
    return list(json.loads(RESULTS.read_text())) if RESULTS.exists() else []


def table(results: Sequence[Result]) -> str:
    lines = [f"{'what':<80}{'ours':>10} {'unit':<12}{'bar':>9}  meets  {'peer':>9}  ratio"]
    for result in results:
        meets = {True: "yes", False: "no", None: "–"}[result.meets]
        bar = "–" if result.bar is None else f"{result.bar:.4g}"
        peer = f"{result.peer:>9.1f}  {result.ratio:.2f} {result.peer_name}" if result.peer else f"{'–':>9}"
        lines.append(f"{result.name:<80}{result.ours:>10.2f} {result.unit:<12}{bar:>9}  {meets:<5}  {peer}")
    return "\n".join(lines)
