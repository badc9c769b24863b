"""What happened in the world, in files that survive any of our processes and that nobody but the tools writes."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

PAID = "paid"
REGISTERED = "registered"


class Ledger:
    def __init__(self, folder: Path) -> None:
        self._paid = folder / PAID
        self._registered = folder / REGISTERED
        self._registered.mkdir(parents=True, exist_ok=True)

    def pay(self, call_id: str) -> None:
        """Happens once more each time it is called."""
        handle = os.open(self._paid, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, f"{call_id}\n".encode())  # a single write: whole or not at all
        finally:
            os.close(handle)

    def register(self, key: str) -> None:
        """Happens once for a key."""
        (self._registered / key).touch()

    def count(self) -> Counter[str]:
        """How often the effect of each call happened."""
        paid = self._paid.read_text().splitlines() if self._paid.exists() else []
        return Counter(paid) + Counter(path.name for path in self._registered.iterdir())
