"""One log for all processes: who speaks in a column, in colour on a terminal."""

from __future__ import annotations

import os
import sys
import zlib
from typing import TextIO

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


class Log:
    def __init__(self, stream: TextIO = sys.stdout, width: int = 9) -> None:
        self._stream = stream
        self._width = width
        self._colour = stream.isatty() and "NO_COLOR" not in os.environ

    def line(self, name: str, text: str) -> None:
        head = f"{name:<{self._width}} │"
        if self._colour:
            head = f"\033[{COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]}m{head}\033[0m"
        self._write(f"{head} {text}")

    def ready(self, name: str, seconds: float) -> None:
        mark = "\033[32m●\033[0m" if self._colour else "●"
        self.line(name, f"{mark} ready after {seconds:.1f} s")

    def trouble(self, name: str, text: str) -> None:
        self.line(name, f"\033[31m{text}\033[0m" if self._colour else text)

    def box(self, lines: list[str]) -> None:
        inside = max(len(line) for line in lines) + 4
        framed = [f"│  {line:<{inside - 2}}│" for line in lines]
        self._write("\n".join(["┌" + "─" * inside + "┐", *framed, "└" + "─" * inside + "┘"]))

    def _write(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
