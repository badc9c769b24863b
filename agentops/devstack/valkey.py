"""The embedded Valkey: a unix socket, a password, and every write on disk within a second."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

from .account import private_folder
from .binaries import valkey_server
from .embedded import Embedded, write_private
from .postgres import BARE
from .service import Service

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "loglevel": "warning",
    "daemonize": "no",
}


def service(embedded: Embedded) -> Service:
    folder = embedded.servers / "valkey"
    settings = SETTINGS | {"dir": str(folder), "unixsocket": str(embedded.valkey_socket)}
    # The password comes from a file: arguments are there for every user of the machine to read.
    argv = [str(valkey_server(embedded)), str(_configuration(embedded))]
    for name, value in settings.items():
        argv += [f"--{name}", value]
    return Service(
        name="valkey",
        argv=argv,
        ready=lambda: _answers(embedded),
        stage=0,
        cwd=embedded.servers,
        env=BARE,
        orphan_signal=signal.SIGTERM,
        account=embedded.account,
    )


def prepare(embedded: Embedded) -> None:
    private_folder(embedded.servers / "valkey", embedded.account)
    write_private(_configuration(embedded), f"requirepass {embedded.valkey_password}\n", embedded.account)


def _configuration(embedded: Embedded) -> Path:
    return embedded.servers / "valkey.conf"


def _answers(embedded: Embedded) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(embedded.valkey_socket))
            connection.sendall(f"AUTH {embedded.valkey_password}\r\nPING\r\n".encode())
            with connection.makefile() as answers:
                return [answers.readline(), answers.readline()] == ["+OK\n", "+PONG\n"]
    except OSError:
        return False
