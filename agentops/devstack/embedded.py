"""Where the embedded servers live and how to reach them, all derived from the data directory."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .account import Account, can_reach, server_account

SOCKET_PATH_LIMIT = 103
"""Bytes that a unix socket's path may have on every system we run on (Linux 107, macOS 103)."""

PRIVATE_BASE = Path("/var/lib/agentops")


@dataclass(frozen=True, slots=True)
class Embedded:
    base: Path
    """Holds `servers/`, and `binaries/` when the installed ones cannot be reached by `account`."""
    sockets: Path
    account: Account | None
    """Whom the servers run as; None is ourselves."""
    superuser_password: str
    owner_password: str
    reader_password: str
    valkey_password: str
    secret_key: str

    @classmethod
    def at(cls, data_dir: Path) -> Embedded:
        """The servers of this data directory. The first call draws their passwords and their places."""
        account = server_account(data_dir)
        if not data_dir.exists():
            data_dir.mkdir(parents=True)
            # Another account's servers must pass through; the files inside are private one by one.
            data_dir.chmod(0o711 if account else 0o700)
        base = data_dir
        elsewhere = data_dir / "servers.path"
        if elsewhere.exists() or (account and not can_reach(account, data_dir)):
            base = Path(create_once(elsewhere, str(PRIVATE_BASE / secrets.token_hex(8))))
        sockets = base / "servers" / "run"
        if len(os.fsencode(sockets / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT:
            short = Path(tempfile.gettempdir()) / f"agentops-{secrets.token_hex(6)}"
            sockets = Path(create_once(data_dir / "sockets.path", str(short)))
        names = ("superuser", "owner", "reader", "valkey")
        drawn = json.dumps({name: secrets.token_urlsafe(24) for name in names})
        passwords = json.loads(create_once(data_dir / "passwords.json", drawn))
        return cls(
            base=base,
            sockets=sockets,
            account=account,
            secret_key=create_once(data_dir / "secret_key", secrets.token_urlsafe(48)),
            **{f"{name}_password": passwords[name] for name in names},
        )

    @property
    def servers(self) -> Path:
        return self.base / "servers"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def database_url(self) -> str:
        return self._postgres_url("agentops", self.owner_password, "agentops")

    @property
    def shop_url(self) -> str:
        return self._postgres_url("agentops", self.owner_password, "agentops_shop")

    @property
    def shop_reader_url(self) -> str:
        return self._postgres_url("agentops_reader", self.reader_password, "agentops_shop")

    @property
    def redis_url(self) -> str:
        return f"unix://:{self.valkey_password}@{quote(str(self.valkey_socket))}?db=0"

    def _postgres_url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@/{database}?host={quote(str(self.sockets), safe='')}"


def create_once(path: Path, content: str) -> str:
    """What the file says. A missing one is written first, private and whole; of two writers one wins."""
    try:
        return path.read_text()
    except FileNotFoundError:
        pass
    handle, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(content)
        give_to_owner_of(path.parent, Path(draft))
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()
    return path.read_text()


def write_private(path: Path, content: str, account: Account | None) -> None:
    """Replace a file that only the servers' account may read. A link planted in its place is not followed."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        if account:
            os.fchown(handle, account.uid, account.gid)
        file.write(content)


def give_to_owner_of(folder: Path, path: Path) -> None:
    """Root working in another person's folder leaves nothing there that the person cannot open."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
