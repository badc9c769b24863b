"""REST at /api/."""

from __future__ import annotations

from ninja import NinjaAPI

api = NinjaAPI(title="AgentOps", version="1", docs_url="docs")
