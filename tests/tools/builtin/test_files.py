"""The file tools work in the run's own folder and mark what they read as coming from outside."""

from __future__ import annotations

from pathlib import Path

from agentops.tools.builtin.list_files import list_files
from agentops.tools.builtin.read_file import read_file
from agentops.tools.builtin.write_file import write_file
from tests.tools.contexts import context


async def test_write_list_and_read(tmp_path: Path) -> None:
    written = await write_file.run({"path": "notes/a.md", "text": "Grüße\n" * 10}, context(tmp_path))
    assert written.ok
    listed = await list_files.run(list_files.validate({"path": "notes"}), context(tmp_path))
    assert listed.data == [{"path": "notes/a.md", "bytes": 80}]
    read = await read_file.run(read_file.validate({"path": "notes/a.md", "limit": 5}), context(tmp_path))
    assert (read.data, read.truncated, read.hint) == ("Grüße", True, "Call again with offset=5 for the rest.")
    assert read.untrusted_source == "file a.md"


async def test_reading_on_reaches_the_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("0123456789")
    read = await read_file.run({"path": "a", "offset": 7, "limit": 100}, context(tmp_path))
    assert (read.data, read.truncated) == ("789", False)
    assert (await read_file.run({"path": "a", "offset": 99}, context(tmp_path))).data == ""


async def test_what_cannot_be_read_is_explained(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"\xff\xd8\xff")
    assert "not text" in (await read_file.run({"path": "image"}, context(tmp_path))).error
    missing = await read_file.run({"path": "none"}, context(tmp_path))
    assert (missing.status, missing.untrusted_source) == ("error", "")
    assert "does not exist" in missing.error
    assert "list_files" in missing.hint
