"""Whom the embedded servers run as: ourselves, or someone with fewer rights, as PostgreSQL refuses root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import CannotStart


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def popen_options(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def private_folder(path: Path, account: Account | None) -> None:
    """Make a folder that only the servers' account may enter, or make sure that it is one."""
    try:
        path.mkdir(parents=True, mode=0o700)
        if account:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    except FileExistsError:
        facts = path.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != (account.uid if account else os.geteuid()):
            raise CannotStart(
                f"{path} belongs to somebody else. Run as its owner, or set AGENTOPS_DATA_DIR elsewhere."
            ) from None
        path.chmod(0o700)


def server_account(data_dir: Path) -> Account | None:
    """None unless we are root; then the data directory's owner, or `nobody` where that is root too."""
    if os.geteuid() != 0:
        return None
    owner = data_dir.stat().st_uid if data_dir.exists() else 0
    entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may pass through every folder down to `path` (which need not exist yet)."""
    for folder in [path, *path.parents]:
        if not folder.is_dir():
            continue
        facts = folder.stat()
        shift = 6 if facts.st_uid == account.uid else 3 if facts.st_gid == account.gid else 0
        if not facts.st_mode >> shift & 1:
            return False
    return True
