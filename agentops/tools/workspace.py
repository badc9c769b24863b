"""The run's own folder: each step of a path is opened without following links, so nothing leads out."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
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
_KEPT = ".before"
"""The folder of what files held before they were written, by the write's version; not of the agent's concern."""
_NONE = ".none"
"""Ends the name of a version before which there was no file."""
KEPT_BYTES = 10 * 1024 * 1024
"""How much of it is kept: the oldest goes first. It counts for no quota."""
KEPT_FILES = 500


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
                if entry.name == _KEPT and not parts:
                    continue
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

    def write(self, path: str, content: bytes, *, keep: str = "") -> None:
        """Replaces the file as a whole or leaves it as it was; makes the folders on the way.

        `keep`: a version under which `restore` finds what was there before. A write that is made again under the same
        version keeps what was there before the first.
        """
        parts = _parts(path)
        name = _name(parts)
        if len(content) > self.max_file:
            raise ToolError(f"{len(content):,} bytes are too many for one file; at most {self.max_file:,}.")
        with _explained(path), self._locked(), self._folder(parts[:-1], create=True) as folder:
            self._check_quota(len(content) - _size(name, folder))
            if keep:
                self._keep(_content(name, folder, self.max_file), keep, content)
            _replace(name, folder, content)

    def restore(self, path: str, version: str) -> bool:
        """Put the file back as it was before the write of this version; whether there was one.

        Raises ToolError when that is kept no longer, or when the file was changed since that write.
        """
        parts = _parts(path)
        name = _name(parts)
        with _explained(path), self._locked(), self._folder([_KEPT], create=True) as kept:
            written = _content(f"{version}.wrote", kept, self.max_file)
            before, none = (_content(each, kept, self.max_file) for each in (version, version + _NONE))
            if written is None or (before is None and none is None):
                raise ToolError(f"What {_shown(path)} was before is kept no longer.", "Write it anew.")
            with self._folder(parts[:-1], create=before is not None) as folder:
                now = _content(name, folder, self.max_file)
                if now == before:
                    return before is not None
                if _digest(now) != written:
                    raise ToolError(f"{_shown(path)} was changed since; putting it back would lose that change.")
                if before is None:
                    _remove(name, folder)
                else:
                    _replace(name, folder, before)
        return before is not None

    def copy(self, target: Path) -> None:
        """All its files into a new folder, between two writes; links are left out. Raises OSError."""
        with self._locked():
            shutil.copytree(self.root, target, symlinks=True, ignore=_not_plain)

    def _keep(self, before: bytes | None, version: str, content: bytes) -> None:
        with self._folder([_KEPT], create=True) as kept:
            _replace(f"{version}.wrote", kept, _digest(content))
            if any(_content(name, kept, 1) is not None for name in (version, version + _NONE)):
                return
            _replace(version if before is not None else version + _NONE, kept, before or b"")
            _forget(kept)

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
            for where, folders, names, folder in os.fwalk(".", dir_fd=top):
                if where == "." and _KEPT in folders:
                    folders.remove(_KEPT)
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
    if parts[:1] == [_KEPT]:
        raise ToolError(f"{_shown(path)} is not yours to use.", "restore_file puts back what a file was.")
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


def _replace(name: str, folder: int, content: bytes) -> None:
    _remove(_TEMPORARY, folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(_TEMPORARY, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(content)
        os.replace(_TEMPORARY, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        _remove(_TEMPORARY, folder)
        raise


def _content(name: str, folder: int, most: int) -> bytes | None:
    """Of a plain file; None where there is none, or a link."""
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return None
        raise
    with os.fdopen(opened, "rb") as file:
        return file.read(most) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""


def _not_plain(folder: str, names: list[str]) -> list[str]:
    modes = {name: (Path(folder) / name).lstat().st_mode for name in names}
    return [name for name, mode in modes.items() if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode))]


def _digest(content: bytes | None) -> bytes:
    return b"" if content is None else hashlib.sha256(content).hexdigest().encode()


def _forget(kept: int) -> None:
    """The oldest versions, beyond what may be kept."""
    with os.scandir(kept) as present:
        found = sorted((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name) for entry in present)
    total = 0
    for count, (_, name) in enumerate(reversed(found), start=1):
        total += _size(name, kept)
        if total > KEPT_BYTES or count > KEPT_FILES:
            _remove(name, kept)


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
