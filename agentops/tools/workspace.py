"""The run's own folder: each step of a path is opened without following links, so nothing leads out."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import ToolError
from .escape import shorten, visible

QUOTA_BYTES = 50 * 1024 * 1024
MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_FILES = 2000
_MAX_DEPTH = 16
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TEMPORARY = ".being-written"


class Workspace:
    """Confined access to one folder. Failures are ToolErrors, written for the model."""

    def __init__(self, root: Path, *, quota: int = QUOTA_BYTES, max_file: int = MAX_FILE_BYTES) -> None:
        self.root = root
        self.quota = quota
        self.max_file = max_file

    def entries(self, path: str = ".") -> list[dict[str, Any]]:
        """Files (`path`, `bytes`) and folders (`path` ending in "/") directly in `path`, by name."""
        parts = _parts(path)
        with _explained(path), self._folder(parts) as folder, os.scandir(folder) as present:
            found: list[dict[str, Any]] = []
            for entry in sorted(present, key=lambda entry: entry.name):
                where = "/".join([*parts, entry.name])
                if entry.is_dir(follow_symlinks=False):
                    found.append({"path": where + "/"})
                elif entry.is_file(follow_symlinks=False) and entry.name != _TEMPORARY:
                    found.append({"path": where, "bytes": entry.stat(follow_symlinks=False).st_size})
            return found

    def read(self, path: str) -> bytes:
        parts = _parts(path)
        with _explained(path), self._folder(parts[:-1]) as folder:
            # O_NONBLOCK: a pipe put in the place of a file must not hold the thread.
            opened = os.open(_name(parts), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            with os.fdopen(opened, "rb") as file:
                info = os.fstat(file.fileno())
                if stat.S_ISDIR(info.st_mode):
                    raise ToolError(f"{_shown(path)} is a folder.", "List it with list_files.")
                if not stat.S_ISREG(info.st_mode):
                    raise ToolError(f"{_shown(path)} is not a plain file.")
                if info.st_size > self.max_file:
                    raise ToolError(
                        f"{_shown(path)} has {info.st_size:,} bytes; at most {self.max_file:,} can be read."
                    )
                return file.read(self.max_file)

    def write(self, path: str, content: bytes) -> None:
        """Replaces the file as a whole or leaves it as it was; makes the folders on the way."""
        parts = _parts(path)
        name = _name(parts)
        if len(content) > self.max_file:
            raise ToolError(f"{len(content):,} bytes are too many for one file; at most {self.max_file:,}.")
        with _explained(path), self._locked(), self._folder(parts[:-1], create=True) as folder:
            self._check_quota(len(content) - _size(name, folder))
            _remove(_TEMPORARY, folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                with os.fdopen(os.open(_TEMPORARY, flags, 0o600, dir_fd=folder), "wb") as file:
                    file.write(content)
                os.replace(_TEMPORARY, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                _remove(_TEMPORARY, folder)
                raise

    @contextmanager
    def _folder(self, parts: list[str], *, create: bool = False) -> Iterator[int]:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self.root, _DIRECTORY)
        try:
            for part in parts:
                inner = _enter(part, folder, create)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, whatever the process: two that both fit the quota may not fit together."""
        with self._folder([]) as folder:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield

    def _check_quota(self, more: int) -> None:
        used = files = 0
        with self._folder([]) as top:
            for _, folders, names, folder in os.fwalk(".", dir_fd=top):
                files += len(names) + len(folders)
                used += sum(_size(name, folder) for name in names)
        if used + more > self.quota:
            raise ToolError(f"The workspace is full: {used:,} of {self.quota:,} bytes are used.", "Write less.")
        if files >= MAX_FILES:
            raise ToolError(f"The workspace holds {files:,} files, the most it may.", "Write into an existing file.")


def _parts(path: str) -> list[str]:
    if "\0" in path or visible(path) != path or "\\" in path:
        raise ToolError(f"{_shown(path)} has characters that a path may not have.")
    if path.startswith("/"):
        raise ToolError(f"{_shown(path)} is absolute.", "Give a path inside the workspace, such as inbox/1.txt.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ToolError(f"{_shown(path)} leads out of its folder.", "Give a path without “..”.")
    if len(parts) > _MAX_DEPTH:
        raise ToolError(f"{_shown(path)} is deeper than {_MAX_DEPTH} folders.")
    return parts


def _name(parts: list[str]) -> str:
    if not parts or parts[-1] == _TEMPORARY:
        raise ToolError("That path names no file.", "Give the path of a file, such as notes.md.")
    return parts[-1]


def _enter(part: str, folder: int, create: bool) -> int:
    try:
        return os.open(part, _DIRECTORY, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):  # made by another just now, or a dangling link, which is refused below
        os.mkdir(part, 0o700, dir_fd=folder)
    return os.open(part, _DIRECTORY, dir_fd=folder)


def _size(name: str, folder: int) -> int:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def _remove(name: str, folder: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    reasons = {
        errno.ENOENT: "does not exist",
        errno.ELOOP: "is a link, and links are not followed",
        errno.ENOTDIR: "goes through something that is not a folder",
        errno.EISDIR: "is a folder",
        errno.ENAMETOOLONG: "has a name that is too long",
        errno.ENXIO: "is not a plain file",
        errno.ENOSPC: "cannot be written: the disk is full",
        errno.EACCES: "may not be opened",
    }
    try:
        yield
    except OSError as error:
        reason = reasons.get(error.errno or 0, f"cannot be used ({error.strerror})")
        raise ToolError(f"{_shown(path)} {reason}.", "See what there is with list_files.") from error


def _shown(path: str) -> str:
    return f"“{visible(shorten(path, 200))}”"
