"""Nothing leads out of a workspace, and it cannot grow without end."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.tools import ToolError
from agentops.tools.workspace import Workspace


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("SECRET")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "runs" / "1", quota=10_000, max_file=6_000)


def test_what_is_written_can_be_listed_and_read(workspace: Workspace) -> None:
    assert workspace.entries() == []
    workspace.write("notes/a.md", b"hello")
    workspace.write("./notes//a.md", b"hello again")
    assert workspace.read("notes/a.md") == b"hello again"
    assert workspace.entries() == [{"path": "notes/"}]
    assert workspace.entries("notes") == [{"path": "notes/a.md", "bytes": 11}]


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../x", "a/../../x", "", ".", ".being-written", "x" * 300, "a/" * 20 + "b"),
        *("a\0b", "a\\b", "a\nb", "a\u202eb", "a\ud800b"),
    ],
)
def test_a_path_that_leads_out_or_is_strange_is_refused(workspace: Workspace, path: str) -> None:
    with pytest.raises(ToolError):
        workspace.read(path)
    with pytest.raises(ToolError):
        workspace.write(path, b"x")


def test_links_are_not_followed_wherever_they_are(workspace: Workspace, outside: Path) -> None:
    workspace.write("a/b/c", b"x")
    (workspace.root / "file").symlink_to(outside / "secret")
    (workspace.root / "folder").symlink_to(outside)
    (workspace.root / "a" / "middle").symlink_to(outside)
    (workspace.root / "dangling").symlink_to(outside / "new")
    for path in ("file", "folder/secret", "a/middle/secret"):
        with pytest.raises(ToolError, match=r"link|not a folder"):
            workspace.read(path)
    for path in ("folder", "a/middle"):
        with pytest.raises(ToolError, match=r"link|not a folder"):
            workspace.entries(path)
    for path in ("folder/new", "a/middle/new", "dangling/new"):
        with pytest.raises(ToolError):
            workspace.write(path, b"x")
    assert [entry["path"] for entry in workspace.entries()] == ["a/"]
    assert names(outside) == ["secret"]


def test_writing_over_a_link_replaces_the_link(workspace: Workspace, outside: Path) -> None:
    workspace.entries()
    (workspace.root / "file").symlink_to(outside / "secret")
    workspace.write("file", b"mine")
    assert (outside / "secret").read_text() == "SECRET"
    assert workspace.read("file") == b"mine"


def test_a_folder_swapped_for_a_link_meanwhile_leads_nowhere(workspace: Workspace, outside: Path) -> None:
    workspace.write("a/b/secret", b"inside")
    folder, spare, stop = workspace.root / "a", workspace.root / "spare", threading.Event()

    def swap() -> None:
        while not stop.is_set():
            folder.rename(spare)
            with suppress(FileExistsError):
                folder.symlink_to(outside.parent)
                folder.unlink()
            while spare.exists():
                # A write that came just now made the folder anew.
                shutil.rmtree(folder, ignore_errors=True)
                with suppress(OSError):
                    spare.rename(folder)

    (outside.parent / "b").symlink_to(outside)
    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        seen = set()
        for _ in range(2000):
            try:
                seen.add(workspace.read("a/b/secret"))
                workspace.write("a/b/secret", b"inside")
            except ToolError:
                seen.add(b"refused")
    finally:
        stop.set()
        swapping.join()
    assert seen <= {b"inside", b"refused"}
    assert (outside / "secret").read_text() == "SECRET"
    assert names(outside) == ["secret"]


def test_pipes_and_folders_are_not_files(workspace: Workspace) -> None:
    workspace.write("a/b", b"x")
    os.mkfifo(workspace.root / "pipe")
    for path in ("pipe", "a"):
        with pytest.raises(ToolError):
            workspace.read(path)
    with pytest.raises(ToolError):
        workspace.write("a", b"x")
    with pytest.raises(ToolError, match="not a folder"):
        workspace.write("a/b/c", b"x")
    with pytest.raises(ToolError, match="does not exist"):
        workspace.read("none")


def test_quota_and_size_hold_and_a_refused_write_changes_nothing(workspace: Workspace) -> None:
    workspace.write("a", b"x" * 6_000)
    with pytest.raises(ToolError, match="full"):
        workspace.write("b", b"x" * 4_001)
    with pytest.raises(ToolError, match="too many"):
        workspace.write("a", b"y" * 6_001)
    workspace.write("b", b"x" * 4_000)
    workspace.write("a", b"z" * 6_000)
    assert workspace.read("a") == b"z" * 6_000
    (workspace.root / "big").write_bytes(b"x" * 6_001)
    with pytest.raises(ToolError, match="at most"):
        workspace.read("big")


def test_writers_at_once_do_not_exceed_the_quota(workspace: Workspace) -> None:
    def write(number: int) -> bool:
        try:
            workspace.write(f"{number}", b"x" * 3_000)
        except ToolError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(write, range(8))) == 3


def test_what_a_killed_writer_left_is_taken_over(workspace: Workspace) -> None:
    workspace.write("a", b"x")
    (workspace.root / ".being-written").write_text("half")
    assert [entry["path"] for entry in workspace.entries()] == ["a"]
    workspace.write("a", b"y")
    assert names(workspace.root) == ["a"]


@given(st.lists(st.sampled_from(["a", "/", "..", ".", "\0", "\\", " ", "é", "\u202e", "\ud800"])).map("".join))
def test_any_path_is_refused_or_stays_inside(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    base = tmp_path_factory.mktemp("any")
    with suppress(ToolError):
        Workspace(base / "w").write(path, b"x")
    assert names(base) in ([], ["w"])
