"""An answer as JSON, where the goal asks for it in the form of a schema."""

from __future__ import annotations

import json
import re
from typing import Any

from agentops.simulator.requests import Request

WANTED = re.compile(r"^Your final answer must be nothing but JSON that fits this schema: (\{.*\})$", re.MULTILINE)
EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}


def schema(request: Request) -> dict[str, Any] | None:
    """None where any words will do."""
    match = WANTED.search(request.goal())
    found = json.loads(match[1]) if match else None
    return found if isinstance(found, dict) else None


def answer(wanted: dict[str, Any], known: dict[str, Any]) -> str:
    """What is known under the names that are asked for; what must be there and is not known stays empty."""
    properties = wanted.get("properties") or {}
    required = wanted.get("required") or ()
    names = [name for name in properties if name in known or name in required]
    return json.dumps({name: known.get(name, _empty(properties[name])) for name in names}, ensure_ascii=False)


def _empty(wanted: Any) -> Any:
    return EMPTY.get(str(wanted.get("type")) if isinstance(wanted, dict) else "")
