"""Reads a file of the run's workspace as text."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field

from agentops.core.tools import ToolContext, ToolResult
from agentops.tools.errors import ToolError
from agentops.tools.mail import read_mail
from agentops.tools.registry import tool
from agentops.tools.workspace import Workspace


@tool(reads_only=True, untrusted=True, timeout=10)
def read_file(
    context: ToolContext,
    path: Annotated[str, Field(description="A file of the workspace, such as inbox/1.eml.")],
    offset: Annotated[int, Field(ge=0, description="First character to show.")] = 0,
    limit: Annotated[int, Field(ge=1, le=50_000, description="Most characters to show.")] = 20_000,
) -> ToolResult:
    """Read a file of your workspace as text.

    A mail (.eml) comes decoded: its headers, its text, what its HTML hides, the names of what is attached.
    """
    raw = Workspace(context.workspace).read(path)
    is_mail = path.lower().endswith(".eml")
    text = read_mail(raw) if is_mail else _decode(path, raw)
    shown = text[offset : offset + limit]
    end = offset + len(shown)
    more = end < len(text)
    return ToolResult(
        "ok",
        data=shown,
        summary=f"{path}: characters {offset:,} to {end:,} of {len(text):,}",
        truncated=more,
        hint=f"Call again with offset={end} for the rest." if more else "",
        untrusted_source=f"{'mail' if is_mail else 'file'} {PurePosixPath(path).name}",
    )


def _decode(path: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ToolError(f"{path} is not text ({len(raw):,} bytes that are not UTF-8).") from None
