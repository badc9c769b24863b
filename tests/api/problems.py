"""What every error answer must be."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse


def assert_problem(response: HttpResponse, status: int, field: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, (response.status_code, response.content[:500])
    assert response["Content-Type"].startswith("application/problem+json")
    body: dict[str, Any] = response.json()  # type: ignore[attr-defined]
    assert body["status"] == status
    assert body["title"] and body["type"] and len(body["detail"]) > 10
    assert "Traceback" not in body["detail"]
    assert body.get("field") == field
    return body
