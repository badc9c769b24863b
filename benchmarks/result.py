"""One measured figure, beside a peer's where there is one, and its bar."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

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
        return round(self.ours / self.peer, 2) if self.peer else None

    @property
    def meets(self) -> bool | None:
        if self.bar is None:
            return None
        return self.ours >= self.bar if self.higher_is_better else self.ours <= self.bar


def write(results: Sequence[Result]) -> None:
    """Into the file; figures of parts that were not measured this time stay."""
    rows = {row["name"]: row for row in json.loads(RESULTS.read_text())} if RESULTS.exists() else {}
    for result in results:
        row = asdict(result)
        del row["higher_is_better"]
        rows[result.name] = {**row, "ours": round(result.ours, 2), "ratio": result.ratio, "meets": result.meets}
    RESULTS.write_text(json.dumps(list(rows.values()), indent=2) + "\n")


def table(results: Sequence[Result]) -> str:
    lines = [f"{'what':<80}{'ours':>10} {'unit':<8}{'bar':>8}  meets"]
    for result in results:
        meets = {True: "yes", False: "no", None: "–"}[result.meets]
        bar = "–" if result.bar is None else f"{result.bar:g}"
        lines.append(f"{result.name:<80}{result.ours:>10.1f} {result.unit:<8}{bar:>8}  {meets}")
    return "\n".join(lines)
