"""What a file was before a write comes back, and nobody's later change is lost by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentops.core.tools import ToolResult
from agentops.tools import workspace
from agentops.tools.builtin.list_files import list_files
from agentops.tools.builtin.read_file import read_file
from agentops.tools.builtin.restore_file import restore_file
from agentops.tools.builtin.write_file import write_file
from tests.tools.contexts import context


async def write(folder: Path, text: str, call_id: str = "c1", path: str = "notes/a.md") -> ToolResult:
    return await write_file.run({"path": path, "text": text}, context(folder, call_id=call_id))


async def undo(folder: Path, written: ToolResult, path: str = "notes/a.md") -> ToolResult:
    call: Any = write_file.compensation({"path": path, "text": ""}, written.data)
    assert call[0] == "restore_file"
    return await restore_file.run(restore_file.validate(call[1]), context(folder, call_id="undo"))


async def test_a_new_file_is_gone_again(tmp_path: Path) -> None:
    done = await undo(tmp_path, await write(tmp_path, "one"))
    assert done.ok and done.data["is_there"] is False
    assert not (tmp_path / "notes/a.md").exists()


async def test_a_replaced_file_has_its_former_content(tmp_path: Path) -> None:
    await write(tmp_path, "one", "c1")
    second = await write(tmp_path, "two", "c2")
    assert (await undo(tmp_path, second)).ok
    assert (tmp_path / "notes/a.md").read_text() == "one"
    assert (await undo(tmp_path, second)).ok, "once more changes nothing"


async def test_a_write_that_ran_twice_goes_back_to_before_the_first(tmp_path: Path) -> None:
    await write(tmp_path, "one", "c1")
    await write(tmp_path, "two", "c2")
    again = await write(tmp_path, "two", "c2")
    await undo(tmp_path, again)
    assert (tmp_path / "notes/a.md").read_text() == "one"


async def test_a_later_change_is_not_lost(tmp_path: Path) -> None:
    first = await write(tmp_path, "one", "c1")
    await write(tmp_path, "two", "c2")
    refused = await undo(tmp_path, first)
    assert refused.status == "error" and "changed since" in refused.error
    assert (tmp_path / "notes/a.md").read_text() == "two"


async def test_what_is_kept_is_not_the_agents_to_see_or_use(tmp_path: Path) -> None:
    await write(tmp_path, "one")
    listed = await list_files.run(list_files.validate({}), context(tmp_path))
    assert listed.data == [{"path": "notes/"}]
    for path in (".before/x", "./.before/x", ".before"):
        assert (await read_file.run(read_file.validate({"path": path}), context(tmp_path))).status == "error"
        assert (await write(tmp_path, "x", path=path)).status == "error"


async def test_what_is_kept_is_bounded_and_says_when_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "KEPT_FILES", 4)
    first = await write(tmp_path, "one", "c0", "first")
    for number in range(4):
        await write(tmp_path, "two", f"c{number + 1}", f"other-{number}")
    assert len(list((tmp_path / ".before").iterdir())) <= 4
    gone = await undo(tmp_path, first, "first")
    assert gone.status == "error" and "kept no longer" in gone.error


async def test_what_is_kept_fills_no_quota(tmp_path: Path) -> None:
    box = workspace.Workspace(tmp_path, quota=250)
    for number in range(5):
        box.write("a", b"x" * 200, keep=f"{number:016x}")


@pytest.mark.parametrize("version", ["", "../../etc", "0" * 15, "g" * 16])
def test_a_version_is_one_that_a_write_returned(version: str) -> None:
    with pytest.raises(Exception, match="version"):
        restore_file.validate({"path": "a", "version": version})
